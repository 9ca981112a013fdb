"""HUB8xx: model cards."""

from __future__ import annotations

import re
from itertools import islice
from textwrap import dedent
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.lines import Places
from hubkit._util.text import closest, did_you_mean, quoted
from hubkit.analysis import find_code, find_documents, read_card, syntax_problem
from hubkit.facts import Edit, Fix, Location
from hubkit.rules import card_keys as keys
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Card, CardField, CodeBlock, Finding, RepoFacts


_PLACEHOLDER = re.compile(
    r"\[more information needed\]|\blorem ipsum\b|<!--\s*(?:todo|provide)\b|\b(?:todo|fixme)\b\s*:"
    r"|\[(?:your|insert|add)\b[^\]]*\](?!\()",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)
_SHELL = re.compile(r"^\s*(?:[!%$]|#|$|(?:pip3?|git|python3?|cd|conda|wget|curl|bash|sh|export) )")
_PYTHON = ("python", "py", "python3")
# pytorch/hub's scripts/sanity_check.py asks for these.
_SECTIONS = ("Model Description", "Example")


@rule("HUB804", "card-front-matter", "warning", fixable="sometimes", applicability="safe")
def card_front_matter(repo: RepoFacts) -> Iterator[Finding]:
    """The front matter of a model card holds what the site it is for does not take.

    pytorch.org/hub leaves such a card out or shows it wrong: its own check never looks at
    `accelerator`, and a colon in a title keeps the page from being built. Hugging Face refuses the
    upload, or shows the model without licence and filters.

    Bad:
        ---
        layout: hub_detail
        title: U-Net: segmentation
        accelerator: “cuda-optional”

    Good:
        ---
        layout: hub_detail
        title: U-Net for segmentation
        accelerator: cuda-optional

    A card with `layout: hub_detail`, `github-link` or a `…-class` is taken for pytorch.org/hub's,
    one with `license`, `library_name`, `pipeline_tag` and the like for Hugging Face's; other front
    matter is a site generator's. Hugging Face decides on its servers, and takes new values all the
    time: what is merely unknown is not reported.
    """
    for card, site in _cards(repo):
        if card.problem:
            yield card_front_matter.finding(
                f"the front matter cannot be read: {card.problem}",
                Location(card.path, card.problem_line),
                hint="Quote the value, or indent it as YAML wants.",
            )
            continue
        judge = _judge_hub if site == "pytorch-hub" else _judge_hugging_face
        for message, place, hint in judge(card):
            fix = unquote(repo, card, place)
            yield card_front_matter.finding(message, place, hint=hint, fix=fix)


@rule("HUB805", "card-body", "warning")
def card_body(repo: RepoFacts) -> Iterator[Finding]:
    """The text of a model card lacks what its site asks for, or holds what was to be replaced.

    pytorch.org/hub wants the sections "Model Description" and "Example", no colon after a heading,
    and code: its CI joins all python blocks of a card and runs them, so one that does not parse, or
    a shell command fenced as python, takes the card down.

    Bad:
        ### Model Description:
        [More Information Needed]

    Good:
        ### Model Description
        A U-Net for MRI slices of 256 by 256.

    For cards of Hugging Face only python blocks that do not parse and placeholders are looked for.
    """
    for card, site in _cards(repo):
        if site == "pytorch-hub":
            yield from _sections(card)
        for block in find_code(card.body, card.body_line):
            problem = _python_problem(block)
            if problem:
                yield card_body.finding(
                    f"this block is fenced as python and does not parse: {problem}",
                    Location(card.path, block.line),
                    hint="Correct it, or fence it as what it is.",
                )
        places = Places(card.body)
        for found in islice(_PLACEHOLDER.finditer(card.body), limits.PLACEHOLDERS.most):
            line = card.body_line + places.place(found.start())[0]
            yield card_body.finding(
                f"`{found[0]}` was to be replaced",
                Location(card.path, line),
                hint="Write it, or remove the section.",
            )


def _cards(repo: RepoFacts) -> Iterator[tuple[Card, str]]:
    left = limits.FRONT_MATTER_TOTAL.most
    for path in find_documents(repo.files):
        if not path.lower().endswith((".md", ".markdown")):
            continue
        text = repo.files.read_text(path)
        is_card = text.lstrip("\ufeff \n\r").startswith("---")
        card = read_card(text, path, left) if is_card else None
        left -= len(text) - len(card.body) if card else 0
        site = keys.site_of(card) if card else ""
        if card and site:
            yield card, site


def _judge_hub(card: Card) -> Iterator[tuple[str, Location, str]]:
    present = {one.key: one for one in card.fields}
    top = Location(card.path)
    missing = [key for key in (*keys.HUB_FIXED, *keys.HUB_REQUIRED) if key not in present]
    if missing:
        yield (
            f"pytorch.org/hub needs {quoted(missing)} in the front matter",
            top,
            "Add them; `layout`, `background-class` and `body-class` come first, as in its template."
            if len(missing) > 1
            else "Add it.",
        )
    for key, value in keys.HUB_FIXED.items():
        if key in present and present[key].values != (value,):
            yield f"`{key}` must be `{value}`", present[key].location, f"Write `{key}: {value}`."
    for key, allowed in (
        ("category", keys.HUB_CATEGORIES),
        ("accelerator", keys.HUB_ACCELERATORS),
        ("tags", keys.HUB_TAGS),
    ):
        if key in present:
            yield from _outside(present[key], allowed)
    for key in keys.HUB_WITHOUT_COLON:
        if key in present and ":" in "".join(present[key].values):
            yield (
                f"a colon in `{key}` keeps the page from being built",
                present[key].location,
                "Say it without.",
            )
    known = (*keys.HUB_FIXED, *keys.HUB_REQUIRED, *keys.HUB_OPTIONAL)
    yield from _misspelt(card, known, present)


def _outside(field: CardField, allowed: tuple[str, ...]) -> Iterator[tuple[str, Location, str]]:
    """Values that are none of those allowed; a value that is only quoted wrongly says so."""
    for value in field.values:
        bare = bare_value(value)
        if value in allowed:
            continue
        if bare in allowed:
            yield (
                f"the quotes are part of `{field.key}`: `{value}`",
                field.location,
                f"Write `{field.key}: {bare}`.",
            )
        else:
            yield (
                f"`{value}` is no {field.key.removesuffix('s')} that pytorch.org/hub has",
                field.location,
                f"It has {quoted(allowed)}.",
            )


def _judge_hugging_face(card: Card) -> Iterator[tuple[str, Location, str]]:
    present = {one.key: one for one in card.fields}
    if "license" in present:
        yield from _judge_licence(present["license"], has_name="license_name" in present)
    if "pipeline_tag" in present:
        yield from _judge_pipeline(present["pipeline_tag"])
    for language in present["language"].values if "language" in present else ():
        if len(language.partition("-")[0]) > 3 and language not in ("multilingual", "code"):
            yield (
                f"`{language}` is no language code",
                present["language"].location,
                'Write its ISO 639 code, such as "en".',
            )
    for key in keys.HF_SCALARS:
        if key in present and present[key].kind in ("list", "mapping"):
            yield f"`{key}` takes one text", present[key].location, f"Write `{key}: ...`."
    if "model-index" in present and present["model-index"].kind == "scalar":
        yield "`model-index` is a list of models", present["model-index"].location, "Write a list."
    yield from _misspelt(card, keys.HF_KEYS, present)


def _judge_licence(field: CardField, *, has_name: bool) -> Iterator[tuple[str, Location, str]]:
    for value in field.values:
        if value not in keys.HF_LICENCES:
            yield (
                f"`{value}` is no licence that Hugging Face knows",
                field.location,
                did_you_mean(value.lower(), sorted(keys.HF_LICENCES))
                or "Write `other`, and `license_name`.",
            )
    if field.values == ("other",) and not has_name:
        yield (
            "`license: other` needs a `license_name`",
            field.location,
            "Add `license_name` and `license_link`.",
        )


def _judge_pipeline(field: CardField) -> Iterator[tuple[str, Location, str]]:
    value = "".join(field.values)
    close = closest(value.lower(), keys.HF_PIPELINES, cutoff=0.8)
    if value not in keys.HF_PIPELINES and close:
        yield (
            f"`{value}` is no task that Hugging Face knows",
            field.location,
            f"Did you mean `{close}`?",
        )


def _misspelt(
    card: Card, known: Iterable[str], present: Iterable[str]
) -> Iterator[tuple[str, Location, str]]:
    known = [*known]
    for field in card.fields:
        if field.key in known:
            continue
        spelt = field.key.lower().replace(" ", "-")
        options = [key for key in known if key not in present]
        close = closest(spelt, options, cutoff=0.8)
        if close:
            yield f"there is no key `{field.key}`", field.location, f"Did you mean `{close}`?"


def _sections(card: Card) -> Iterator[Finding]:
    text = _without_code(card)
    places = Places(text)
    headings = [
        (found[1].rstrip().rstrip("#").rstrip(), card.body_line + places.place(found.start())[0])
        for found in _HEADING.finditer(text)
    ]
    titles = {title.rstrip(": ").lower() for title, _ in headings}
    missing = [one for one in _SECTIONS if one.lower() not in titles]
    if missing:
        yield card_body.finding(
            f"pytorch.org/hub requires {'sections' if len(missing) > 1 else 'a section'} {quoted(missing)}",
            Location(card.path, card.body_line),
            hint="Add them as headings of the third level: `### Model Description`.",
        )
    for title, line in headings:
        if ":" in title:
            yield card_body.finding(
                f"the heading `{title}` holds a colon, which pytorch.org/hub does not take",
                Location(card.path, line),
                hint="Remove it.",
            )
    if not any(block.language in _PYTHON for block in find_code(card.body)):
        yield card_body.finding(
            "the card shows no python code, so nobody sees how the model is used",
            Location(card.path, card.body_line),
            hint="Show it in a block that is fenced as python.",
        )


def _without_code(card: Card) -> str:
    """The body with the lines of fenced blocks emptied, so that comments there are no headings."""
    lines = card.body.splitlines()
    for block in find_code(card.body):
        for number in range(block.line - 1, block.line - 1 + len(block.text.splitlines())):
            lines[number] = ""
    return "\n".join(lines)


def _python_problem(block: CodeBlock) -> str:
    if block.language not in _PYTHON:
        return ""
    lines = dedent(block.text).splitlines()
    if all(_SHELL.match(line) for line in lines) or any(">>>" in line for line in lines):
        return ""
    return syntax_problem("\n".join("" if line[:1] in "!%" else line for line in lines))


# Straight and typographic quotation marks.
_QUOTES = "\"'` \u201c\u201d\u2018\u2019\xab\xbb"
_ALLOWED = {"category": keys.HUB_CATEGORIES, "accelerator": keys.HUB_ACCELERATORS}


def bare_value(value: str) -> str:
    """A value without the quotation marks that became part of it."""
    return value.strip(_QUOTES)


def unquote(repo: RepoFacts, card: Card, place: Location) -> Fix | None:
    """A fix for a value that is right but for its quotation marks; None for anything else."""
    field = next((one for one in card.fields if one.location == place), None)
    if field is None or len(field.values) != 1 or place == Location(card.path):
        return None
    (value,) = field.values
    bare = bare_value(value)
    if bare == value or bare not in _ALLOWED.get(field.key, ()):
        return None
    text = repo.files.read_text(card.path).replace("\r\n", "\n").replace("\r", "\n")
    line = text.split("\n")[place.line - 1]
    start = line.find(value, len(field.key)) + 1
    if not start:
        return None
    spot = Location(card.path, place.line, start, place.line, start + len(value))
    return Fix("Take the quotes away", "safe", (Edit(spot, bare),))
