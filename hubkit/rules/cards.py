"""HUB8xx: model cards."""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from textwrap import dedent
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.text import Places, closest, did_you_mean, quoted
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
# pytorch/hub's scripts/sanity_check.py requires these.
_SECTIONS = ("Model Description", "Example")


@rule("HUB804", "card-front-matter", "warning", fixable="sometimes", applicability="safe")
def card_front_matter(repo: RepoFacts) -> Iterator[Finding]:
    """The front matter of a model card is invalid for its site.

    pytorch.org/hub does not show such a card, or shows it wrong: its own check ignores
    `accelerator`, and it cannot build a page with a colon in the title. Hugging Face rejects the
    upload, or shows the model without license and filters.

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

    A card with `layout: hub_detail`, `github-link` or a `…-class` is for pytorch.org/hub. A card
    with `license`, `library_name`, `pipeline_tag` or similar keys is for Hugging Face. Other front
    matter is ignored. Hugging Face often adds new values, so unknown values are reported only if
    they look like a typo.
    """
    for card, site in _cards(repo):
        if card.problem:
            yield card_front_matter.finding(
                f"the front matter cannot be read: {card.problem}",
                Location(card.path, card.problem_line),
                hint="Quote the value, or fix its indentation.",
            )
            continue
        check = _check_hub_card if site == "pytorch-hub" else _check_hugging_face_card
        for message, place, hint in check(card):
            fix = partial(unquote, repo, card, place)
            yield card_front_matter.finding(message, place, hint=hint, fix=fix)


@rule("HUB805", "card-body", "warning")
def card_body(repo: RepoFacts) -> Iterator[Finding]:
    """The text of a model card is invalid for its site, or contains a placeholder.

    pytorch.org/hub requires the sections "Model Description" and "Example", headings without a
    colon, and Python code. Its CI joins all Python blocks of a card and runs them, so a block with
    a syntax error, or with shell commands, breaks the card.

    Bad:
        ### Model Description:
        [More Information Needed]

    Good:
        ### Model Description
        A U-Net for MRI slices of 256 by 256.

    In cards for Hugging Face, only Python blocks with a syntax error and placeholders are reported.
    """
    for card, site in _cards(repo):
        if site == "pytorch-hub":
            yield from _sections(card)
        for block in find_code(card.body, card.body_line):
            problem = _python_problem(block)
            if problem:
                yield card_body.finding(
                    f"this Python block does not parse: {problem}",
                    Location(card.path, block.line),
                    hint="Fix it, or change the language of the block.",
                )
        places = Places(card.body)
        for found in islice(_PLACEHOLDER.finditer(card.body), limits.PLACEHOLDERS.most):
            line = card.body_line + places.place(found.start())[0]
            yield card_body.finding(
                f"placeholder `{found[0]}`",
                Location(card.path, line),
                hint="Replace it, or remove the section.",
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


def _check_hub_card(card: Card) -> Iterator[tuple[str, Location, str]]:
    present = {one.key: one for one in card.fields}
    top = Location(card.path)
    missing = [key for key in (*keys.HUB_FIXED, *keys.HUB_REQUIRED) if key not in present]
    if missing:
        yield (
            f"pytorch.org/hub requires {quoted(missing)} in the front matter",
            top,
            "Add them, with `layout`, `background-class` and `body-class` first, as in its template."
            if len(missing) > 1
            else "Add it.",
        )
    for key, value in keys.HUB_FIXED.items():
        if key in present and present[key].values != (value,):
            yield f"`{key}` must be `{value}`", present[key].location, f"Use `{key}: {value}`."
    for key, allowed in (
        ("category", keys.HUB_CATEGORIES),
        ("accelerator", keys.HUB_ACCELERATORS),
        ("tags", keys.HUB_TAGS),
    ):
        if key in present:
            yield from _check_values(present[key], allowed)
    for key in keys.HUB_WITHOUT_COLON:
        if key in present and ":" in "".join(present[key].values):
            yield (
                f"`{key}` contains a colon, so pytorch.org/hub cannot build the page",
                present[key].location,
                "Remove the colon.",
            )
    known = (*keys.HUB_FIXED, *keys.HUB_REQUIRED, *keys.HUB_OPTIONAL)
    yield from _check_spelling(card, known, present)


def _check_values(
    field: CardField, allowed: tuple[str, ...]
) -> Iterator[tuple[str, Location, str]]:
    """Report values that are not allowed. Wrong quotes have their own message."""
    for value in field.values:
        bare = strip_quotes(value)
        if value in allowed:
            continue
        if bare in allowed:
            yield (
                f"the quotes in `{field.key}: {value}` are part of the value",
                field.location,
                f"Use `{field.key}: {bare}`.",
            )
        else:
            yield (
                f"unknown {field.key.removesuffix('s')} for pytorch.org/hub: `{value}`",
                field.location,
                f"Use one of {quoted(allowed)}.",
            )


def _check_hugging_face_card(card: Card) -> Iterator[tuple[str, Location, str]]:
    present = {one.key: one for one in card.fields}
    if "license" in present:
        yield from _check_license(present["license"], has_name="license_name" in present)
    if "pipeline_tag" in present:
        yield from _check_pipeline(present["pipeline_tag"])
    for language in present["language"].values if "language" in present else ():
        if len(language.partition("-")[0]) > 3 and language not in ("multilingual", "code"):
            yield (
                f"`{language}` is not a language code",
                present["language"].location,
                'Use an ISO 639 code, such as "en".',
            )
    for key in keys.HF_SCALARS:
        if key in present and present[key].kind in ("list", "mapping"):
            yield f"`{key}` must be a string", present[key].location, f"Use `{key}: ...`."
    if "model-index" in present and present["model-index"].kind == "scalar":
        yield (
            "`model-index` must be a list",
            present["model-index"].location,
            "Use a list of models.",
        )
    yield from _check_spelling(card, keys.HF_KEYS, present)


def _check_license(field: CardField, *, has_name: bool) -> Iterator[tuple[str, Location, str]]:
    for value in field.values:
        if value not in keys.HF_LICENSES:
            yield (
                f"unknown license for Hugging Face: `{value}`",
                field.location,
                did_you_mean(value.lower(), sorted(keys.HF_LICENSES))
                or "Use `other`, and add `license_name`.",
            )
    if field.values == ("other",) and not has_name:
        yield (
            "`license: other` requires `license_name`",
            field.location,
            "Add `license_name` and `license_link`.",
        )


def _check_pipeline(field: CardField) -> Iterator[tuple[str, Location, str]]:
    value = "".join(field.values)
    close = closest(value.lower(), keys.HF_PIPELINES, cutoff=0.8)
    if value not in keys.HF_PIPELINES and close:
        yield (
            f"unknown task for Hugging Face: `{value}`",
            field.location,
            f"Did you mean `{close}`?",
        )


def _check_spelling(
    card: Card, known: Iterable[str], present: Iterable[str]
) -> Iterator[tuple[str, Location, str]]:
    known = [*known]
    for field in card.fields:
        if field.key in known:
            continue
        spelled = field.key.lower().replace(" ", "-")
        options = [key for key in known if key not in present]
        close = closest(spelled, options, cutoff=0.8)
        if close:
            yield f"unknown key `{field.key}`", field.location, f"Did you mean `{close}`?"


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
            f"pytorch.org/hub requires the {'sections' if len(missing) > 1 else 'section'} {quoted(missing)}",
            Location(card.path, card.body_line),
            hint="Add them as headings of level 3: `### Model Description`.",
        )
    for title, line in headings:
        if ":" in title:
            yield card_body.finding(
                f"the heading `{title}` contains a colon, which pytorch.org/hub does not allow",
                Location(card.path, line),
                hint="Remove the colon.",
            )
    if not any(block.language in _PYTHON for block in find_code(card.body)):
        yield card_body.finding(
            "the card has no Python code that shows how to use the model",
            Location(card.path, card.body_line),
            hint="Add a fenced Python block.",
        )


def _without_code(card: Card) -> str:
    """The body with empty lines in place of code, so that comments do not look like headings."""
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


def strip_quotes(value: str) -> str:
    """A value without surrounding quotes."""
    return value.strip(_QUOTES)


def unquote(repo: RepoFacts, card: Card, place: Location) -> Fix | None:
    """A fix that removes the quotes around a valid value."""
    field = next((one for one in card.fields if one.location == place), None)
    if field is None or len(field.values) != 1 or place == Location(card.path):
        return None
    (value,) = field.values
    bare = strip_quotes(value)
    if bare == value or bare not in _ALLOWED.get(field.key, ()):
        return None
    text = repo.files.read_text(card.path).replace("\r\n", "\n").replace("\r", "\n")
    line = text.split("\n")[place.line - 1]
    start = line.find(value, len(field.key)) + 1
    if not start:
        return None
    spot = Location(card.path, place.line, start, place.line, start + len(value))
    return Fix("Remove the quotes", "safe", (Edit(spot, bare),))
