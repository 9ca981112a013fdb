"""Draft a model card, or refresh one: only the parts that hubkit generates change.

Each part is enclosed in two HTML comments::

    <!-- hubkit:begin weights, written by "hubkit card" -->
    ...
    <!-- hubkit:end weights -->

All other text is kept byte for byte.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field, structs

from hubkit._util.text import did_you_mean, suggest
from hubkit.analysis import find_code, find_documents, find_snippets
from hubkit.config import Config
from hubkit.errors import UsageError
from hubkit.lint import lint_repo
from hubkit.publish.card_facts import Source, gather_facts, override_source
from hubkit.publish.card_sections import CONFORMANCE, SECTIONS, TITLES, escape_html
from hubkit.publish.front_matter import (
    format_value,
    generate_keys,
    require_card,
    update_front_matter,
)
from hubkit.rules.card_keys import site_of
from hubkit.source import Overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hubkit.facts import Files, Finding, RepoFacts
    from hubkit.publish.card_facts import CardFacts
    from hubkit.rules.card_keys import Site

    Sections = Mapping[str, Callable[[CardFacts], str]]

_BEGIN = re.compile(r"[ \t]*<!--[ \t]*hubkit:begin[ \t]+([\w-]+)[^\r\n]*-->[ \t]*\r?\n?")
_END = re.compile(r"[ \t]*<!--[ \t]*hubkit:end[ \t]+([\w-]+)[ \t]*-->[ \t]*\r?\n?")
# str.splitlines also splits at characters at which Markdown does not.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)
_LIST_CALL = re.compile(r"hub\.list\(\"([\w.-]+/[\w.-]+)(?::([^\"]+))?\"\)")
_MARKERS = ("hubkit:begin", "hubkit:end")
_MARKDOWN = (".md", ".markdown")
_RULES = ("HUB804", "HUB805")


class CardRequest(Struct, frozen=True):
    """The options of a card.

    Attributes:
        path: Its path, relative to the repo.
        site: The site that its front matter is for. None keeps that of the card, and is Hugging
            Face for a new one; "" leaves the front matter alone.
        front_matter: Values to set in the front matter, by key.
        added: Parts to append if the card lacks them.
        conformance: The contents of the part of that name; None leaves it as it is.
    """

    path: str
    site: Site | None = None
    front_matter: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    conformance: str | None = None


class CardDraft(Struct, frozen=True):
    """A card that is up to date.

    Attributes:
        path: Its path, relative to the repo.
        before: The current contents; None for a new card.
        after: The contents that are up to date.
        stale: Parts that differ, including "front matter".
        lacking: Parts that hubkit could generate, and that neither it nor the author wrote.
        has_parts: Whether the current card has any generated part.
    """

    path: str
    before: bytes | None
    after: bytes
    stale: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    has_parts: bool = True

    @property
    def has_usage(self) -> bool:
        """Whether its snippet is generated."""
        return b"hubkit:begin usage" in self.after


class Region(Struct, frozen=True):
    """A generated part of a card.

    Attributes:
        name: Its name.
        text: Its contents, with line ends.
        start: Offset of the first character of the contents.
        end: Offset after the last one.
    """

    name: str
    text: str
    start: int
    end: int


def draft_card(facts: CardFacts, request: CardRequest, before: bytes | None) -> CardDraft:
    """Draft a card, or refresh the current one.

    Raises:
        UsageError: The current card cannot be refreshed, or the request names an unknown part.
    """
    sections: dict[str, Callable[[CardFacts], str]] = {**SECTIONS}
    if request.conformance is not None:
        table = request.conformance
        sections[CONFORMANCE] = lambda _: table
    _require_sections(request, sections)
    if before is not None:
        return _refresh(facts, request, before, sections)
    site: Site = "huggingface" if request.site is None else request.site
    text = _render_new(facts, sections, site)
    text = update_front_matter(
        text, request.path, generate_keys(facts, site), _front_matter(request)
    )
    return CardDraft(request.path, None, text.encode(), (request.path,))


def draft_others(
    facts: RepoFacts,
    card: str,
    gathered: CardFacts,
    choose: Callable[[Source], Source],
    conformance: str | None = None,
) -> Iterator[CardDraft]:
    """Refresh the generated parts of documents other than the card, such as the README.

    Args:
        facts: The repo.
        card: The path of the card.
        gathered: What the card says.
        choose: Returns what a snippet should load, from what it loads.
        conformance: The contents of the part of that name; None leaves it as it is.

    Raises:
        UsageError: A comment is unmatched, nested or repeated.
    """
    for path, before in _find_others(facts.files, card):
        shown = find_source(before)
        if not shown.repo:  # new here: what the card's snippet loads
            shown = structs.replace(gathered.source, entrypoint="")
        source = choose(shown)
        has_table = CONFORMANCE in find_regions(_decode(before, path), path)
        request = CardRequest(path, site="", conformance=conformance if has_table else None)
        draft = draft_card(structs.replace(gathered, source=source), request, before)
        yield structs.replace(draft, lacking=())


def fill_parts(
    facts: RepoFacts, documents: Mapping[str, bytes], source: Source
) -> dict[str, bytes]:
    """Fill the generated parts of new documents.

    Args:
        facts: The repo.
        documents: Documents by path.
        source: What snippets load, unless they name something else.

    Raises:
        HubkitError: The hubconf or the configuration cannot be read, or a comment is unmatched.
    """
    gathered = gather_facts(facts, source)
    filled = {}
    for path, before in documents.items():
        known = override_source(source, find_source(before))
        request = CardRequest(path, site="")
        draft = draft_card(structs.replace(gathered, source=known), request, before)
        filled[path] = draft.after
    return filled


def keep_parts(path: str, current: bytes, before: bytes, after: bytes) -> bytes | None:
    """Give a document another text, but keep its generated parts.

    Args:
        path: Its path.
        current: The document.
        before: The document with the text that was generated; its parts may be out of date.
        after: The document with the new text.

    Returns:
        The document; None if its text is not the one that was generated, or cannot be read.
    """
    try:
        here, old, new = (_decode(one, path) for one in (current, before, after))
        regions = find_regions(here, path)
        if _blank(here, path) != _blank(old, path):
            return None
        contents = {name: one.text for name, one in regions.items()}
        if find_source(before).repo != find_source(after).repo:
            del contents["usage"]  # the repo has been renamed
        return replace_regions(new, find_regions(new, path), contents).encode()
    except UsageError:
        return None


def _blank(text: str, path: str) -> str:
    regions = find_regions(text, path)
    return replace_regions(text, regions, dict.fromkeys(regions, ""))


def check_card(facts: RepoFacts, draft: CardDraft) -> tuple[Finding, ...]:
    """What `hubkit check` will report about the card once it is written."""
    files = _CardOnly(facts.files, {draft.path: draft.after})
    return lint_repo(structs.replace(facts, files=files), Config(select=_RULES)).findings


def find_source(card: bytes | None) -> Source:
    """What the snippet in the usage part of a document loads; nothing if the part is empty."""
    text = (card or b"").decode(errors="replace")
    found = re.search(r"hubkit:begin usage\b.*?hubkit:end usage\b", text, re.DOTALL)
    if found is None:
        return Source()
    first = next(find_snippets(found[0], ""), None)
    if first is not None:
        return Source(first.repo, first.ref, first.entrypoint or "")
    listed = _LIST_CALL.search(found[0])
    return Source(listed[1], listed[2] or "") if listed else Source()


def find_shown(files: Files, card: str, before: bytes | None) -> Source:
    """What the snippet in the card loads; without one, that in the usage part of another document.

    Args:
        files: The repo's files.
        card: The path of the card.
        before: Its contents; None for a new card.
    """
    others = (contents for _, contents in _find_others(files, card))
    shown = map(find_source, chain([before], others))
    return next((one for one in shown if one.repo), Source())


def find_regions(text: str, path: str) -> dict[str, Region]:
    """The generated parts of a card by name, in order.

    Comments in fenced code blocks do not count.

    Raises:
        UsageError: A comment is unmatched, nested or repeated, or names no part.
    """
    regions: dict[str, Region] = {}
    opened: tuple[str, int, int] | None = None
    fence: tuple[str, int] | None = None
    offset = 0
    for number, line in enumerate(_LINE.findall(text), start=1):
        mark, offset = offset, offset + len(line)
        fence, is_code = _follow_fence(fence, line, number)
        if is_code:
            continue
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        _require_part(begin or end, path, number)
        if begin:
            if opened:
                raise _marker_error(path, opened[2], f"`{opened[0]}` begins but does not end")
            if begin[1] in regions:
                raise _marker_error(path, number, f"`{begin[1]}` begins twice")
            opened = begin[1], offset, number
        elif end:
            if opened is None or opened[0] != end[1]:
                raise _marker_error(path, number, f"`{end[1]}` ends but does not begin")
            regions[end[1]] = Region(end[1], text[opened[1] : mark], opened[1], mark)
            opened = None
    if opened:
        raise _marker_error(path, opened[2], f"`{opened[0]}` begins but does not end")
    if fence and any(word in text for word in _MARKERS):
        raise _marker_error(path, fence[1], "a fenced code block begins but does not end")
    return regions


def render_region(name: str, content: str) -> str:
    """A part with its comments, with line feeds only."""
    return (
        f'<!-- hubkit:begin {name}, written by "hubkit card" -->\n{content}'
        f"<!-- hubkit:end {name} -->\n"
    )


def replace_regions(text: str, regions: Mapping[str, Region], contents: Mapping[str, str]) -> str:
    """The card with new contents in its parts.

    Args:
        text: The card.
        regions: Its parts.
        contents: New contents of some parts, with the line ends of the card.
    """
    for region in sorted(regions.values(), key=lambda one: one.start, reverse=True):
        if region.name in contents:
            text = text[: region.start] + contents[region.name] + text[region.end :]
    return text


def find_covered(text: str, path: str) -> frozenset[str]:
    """The parts that the author wrote: a heading of that name, or a snippet that loads a model."""
    lines = text.splitlines()
    for block in find_code(text):
        for number in range(block.line - 1, block.line - 1 + block.text.count("\n") + 1):
            lines[number : number + 1] = [""]
    headings = {
        found[1].rstrip(" \t#:").strip().lower() for found in _HEADING.finditer("\n".join(lines))
    }
    covered = {name for name, title in TITLES.items() if title.lower() in headings}
    if any(find_snippets(text, path)):
        covered.add("usage")
    return frozenset(covered)


class _CardOnly(Overlay):
    """The repo's files, with the card as the only document."""

    __slots__ = ()

    def paths(self) -> tuple[str, ...]:
        """The card."""
        return tuple(self.changes)

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """The card, if it has such a suffix."""
        return tuple(path for path in self.changes if path.lower().endswith(suffixes))


def _refresh(
    facts: CardFacts, request: CardRequest, before: bytes, sections: Sections
) -> CardDraft:
    text = _decode(before, request.path)
    newline = "\r\n" if "\r\n" in text else "\n"
    site = _find_site(text, request)
    regions = find_regions(text, request.path)
    # Only existing parts are rendered: another one may need something that is unknown.
    rendered = {
        name: sections[name](facts).replace("\n", newline) for name in regions if name in sections
    }
    stale = [name for name, content in rendered.items() if regions[name].text != content]
    lacking = tuple(name for name in sections if name not in regions)
    covered = find_covered(_blank(text, request.path), request.path)
    unwritten = tuple(name for name in lacking if name not in covered)
    # A card without generated parts is new to hubkit: it gets those that its author did not write.
    # A report that was passed is to be shown.
    missing = {name for name in unwritten if not regions or name == CONFORMANCE}
    added = tuple(name for name in lacking if name in request.added or name in missing)
    after = replace_regions(text, regions, rendered)
    for name in added:
        after = _append(after, name, sections[name](facts), site, newline)
    generated, set_by_user = generate_keys(facts, site), _front_matter(request)
    updated = update_front_matter(after, request.path, generated, set_by_user, newline)
    stale += [*added, *(["front matter"] if updated != after else [])]
    left = tuple(name for name in unwritten if name not in added)
    return CardDraft(request.path, before, updated.encode(), tuple(stale), left, bool(regions))


def _find_others(files: Files, card: str) -> Iterator[tuple[str, bytes]]:
    """Path and contents of the documents other than the card that have generated parts."""
    names = {*find_documents(files), *files.all_names("")} - {card}
    for path in sorted(name for name in names if name.lower().endswith(_MARKDOWN)):
        if any(map(_BEGIN.fullmatch, _prose_lines(files.read_text(path)))):
            yield path, files.read(path)


def _prose_lines(text: str) -> Iterator[str]:
    """The lines of a text that are outside of fenced code blocks; none if no part begins there."""
    fence: tuple[str, int] | None = None
    for line in _LINE.findall(text) if _MARKERS[0] in text else ():
        fence, is_code = _follow_fence(fence, line, 0)
        if not is_code:
            yield line


def _follow_fence(
    fence: tuple[str, int] | None, line: str, number: int
) -> tuple[tuple[str, int] | None, bool]:
    """The fence that is open after a line, and whether the line is code or a fence."""
    found = _FENCE.match(line)
    if fence is None:
        return ((found[1], number), True) if found else (None, False)
    closes = found and found[1].startswith(fence[0]) and not found[2].strip()
    return (None if closes else fence), True


def _require_part(comment: re.Match[str] | None, path: str, line: int) -> None:
    if comment is not None and comment[1] not in TITLES:
        hint = did_you_mean(comment[1], TITLES)
        raise _marker_error(path, line, f"there is no part `{comment[1]}`", hint)


def _marker_error(path: str, line: int, problem: str, hint: str = "") -> UsageError:
    hint = hint or (
        "Each part is enclosed in <!-- hubkit:begin NAME --> and <!-- hubkit:end NAME -->. "
        "Correct the comments."
    )
    return UsageError(f"{path}, line {line}: {problem}.", hint=f"{hint} Nothing was written.")


def _require_sections(request: CardRequest, sections: Sections) -> None:
    for name in request.added:
        if name == CONFORMANCE and name not in sections:
            raise UsageError("The part `conformance` needs a report", hint="Pass --report FILE.")
        if name not in sections:
            raise UsageError(f"Unknown part of a card: {name!r}", hint=suggest(name, TITLES))


def _front_matter(request: CardRequest) -> dict[str, str]:
    return {key: format_value(key, value) for key, value in request.front_matter.items()}


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}.",
            hint="Save it as UTF-8. Nothing was written.",
        ) from None


def _find_site(text: str, request: CardRequest) -> Site:
    """The site that the front matter is for."""
    card = require_card(text, request.path)
    current: Site = site_of(card) if card else ""
    if request.site and current and request.site != current:
        raise UsageError(
            f"{request.path} has front matter for {current}, not for {request.site}.",
            hint="Write the card for the other site to another file: --file PATH",
        )
    return current if request.site is None else request.site


def _append(text: str, name: str, content: str, site: Site, newline: str) -> str:
    level = "###" if site == "pytorch-hub" else "##"
    # pytorch/hub's scripts/sanity_check.py requires a section of that name.
    title = "Example" if name == "usage" and site == "pytorch-hub" else TITLES[name]
    gap = "" if not text or text.endswith(("\n\n", "\r\n\r\n")) else "\n"
    gap = f"\n{gap}" if text and not text.endswith("\n") else gap
    return text + f"{gap}{level} {title}\n\n{render_region(name, content)}".replace("\n", newline)


def _render_new(facts: CardFacts, sections: Sections, site: Site) -> str:
    """A new card without its front matter."""
    about = escape_html(facts.summary) or f"Models for PyTorch Hub, from {facts.source.repo}."
    is_hub = site == "pytorch-hub"
    text = f"### Model Description\n\n{about}\n" if is_hub else f"# {facts.name}\n\n{about}\n"
    for name, render in sections.items():
        text = _append(text, name, render(facts), site, "\n")
    return text
