"""The front matter of a model card: missing keys are added, existing ones are kept."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from hubkit._util.text import printable
from hubkit.analysis import read_card
from hubkit.errors import UsageError
from hubkit.rules import card_keys as keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts import Card
    from hubkit.publish.card_facts import CardFacts
    from hubkit.rules.card_keys import Site

_FRONT = re.compile(r"\A(\ufeff?\s*---[ \t]*\r?\n)(.*?)(^---[ \t]*\r?$)", re.DOTALL | re.MULTILINE)
# What YAML reads as plain text, whatever follows on the line.
_PLAIN = re.compile(r"[A-Za-z0-9./][A-Za-z0-9 ./_+()&;!?-]*(?:,[A-Za-z0-9 ./_+()&;!?-]+)*")
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "~", "y", "n")
_IMAGE = re.compile(r"f\d+\[\w+, ?[134], ?\w+, ?\w+\]")
_MOST_TAGS = 10
_LISTS = ("tags", "datasets", "language", "metrics")


def generate_keys(facts: CardFacts, site: Site) -> dict[str, str]:
    """The keys of a site's front matter that the facts provide, with their values as YAML."""
    found = _for_hub(facts) if site == "pytorch-hub" else _for_hugging_face(facts)
    return {key: value for key, value in found.items() if value} if site else {}


def _for_hub(facts: CardFacts) -> dict[str, str]:
    # pytorch/hub's scripts/sanity_check.py requires the fixed keys first, pytorch-logo.png and
    # no-image in place of images, values without quotes, and tags in brackets on one line. The
    # order is that of its docs/template.md.
    return {
        **keys.HUB_FIXED,
        "category": "researchers",
        "title": _bare(facts.name),
        "summary": _bare(facts.summary),
        "image": "pytorch-logo.png",
        "author": _bare(facts.authors or facts.source.repo.partition("/")[0]),
        "tags": _hub_tags(facts),
        "github-link": f"https://github.com/{facts.source.repo}" if facts.source.repo else "",
        "github-id": facts.source.repo,
        "featured_image_1": "no-image",
        "featured_image_2": "no-image",
    }


def _hub_tags(facts: CardFacts) -> str:
    words = {word.lower() for word in facts.keywords}
    inputs = [facts.config.entrypoint(entry.name).input for entry in facts.entrypoints]
    if any(isinstance(one, str) and _IMAGE.match(one) for one in inputs):
        words.add("vision")
    tags = [tag for tag in keys.HUB_TAGS if tag in words]
    return f"[{', '.join(tags)}]" if tags else ""


def _for_hugging_face(facts: CardFacts) -> dict[str, str]:
    found = facts.license
    other = found if found and found.on_hugging_face == "other" else None
    tags = list(dict.fromkeys(["torch-hub", *facts.keywords]))[:_MOST_TAGS]
    return {
        "license": found.on_hugging_face if found else "",
        "license_name": _scalar(other.spdx.lower()) if other else "",
        "license_link": _scalar(other.file) if other else "",
        "library_name": "pytorch",
        "tags": f"[{', '.join(map(_scalar, tags))}]",
    }


def _bare(text: str) -> str:
    """The text without quotes and colons, which pytorch.org/hub does not accept."""
    words = " ".join(re.sub(r"\s*:\s*", ", ", text).replace(" #", " ").split())
    words = printable(words)
    return words.strip("\"'`[]{}*&!|>%@#?,- ").rstrip(".")


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text[0].isdigit()
    return text if is_plain and "," not in text else json.dumps(printable(text), ensure_ascii=False)


def format_value(key: str, text: str) -> str:
    """A value that the user passed, as YAML.

    Args:
        key: The key.
        text: The value; for a key with a list, words with commas, or a list in brackets.
    """
    text = " ".join(text.split())
    if key in _LISTS and not text.startswith("["):
        return f"[{', '.join(_scalar(part.strip()) for part in text.split(','))}]"
    if key in _LISTS or key in (*keys.HUB_FIXED, *keys.HUB_REQUIRED, *keys.HUB_OPTIONAL):
        return text
    return _scalar(text)


def update_front_matter(
    text: str,
    path: str,
    generated: Mapping[str, str],
    set_by_user: Mapping[str, str],
    newline: str = "\n",
) -> str:
    """The card with all keys in its front matter.

    Args:
        text: The card.
        path: Its path.
        generated: Keys to add if they are missing. Those for which pytorch.org/hub accepts one
            value only are replaced, too.
        set_by_user: Keys to add or replace.
        newline: The line end of the card.

    Raises:
        UsageError: The front matter cannot be read, or is written in a way that cannot be edited.
    """
    if not generated and not set_by_user:
        return text
    card = require_card(text, path)
    if card is None:
        return _prepend(text, {**generated, **set_by_user}, newline)
    missing, replaced = _compare(card, generated, set_by_user)
    found = _FRONT.match(text)
    if found is None:
        raise _cannot_edit(path, {**missing, **replaced})
    body = _replace(found[2], card, replaced, path)
    first = {key: value for key, value in missing.items() if key in keys.HUB_FIXED}
    last = {key: value for key, value in missing.items() if key not in first}
    before, after = (_lines(part).replace("\n", newline) for part in (first, last))
    updated = f"{found[1]}{before}{body}{after}{text[found.start(3) :]}"
    _require_kept(card, _read(updated, path), {**replaced, **missing}, path)
    return updated


def require_card(text: str, path: str) -> Card | None:
    """The front matter of a card; None if it has none.

    Raises:
        UsageError: It cannot be read.
    """
    card = _read(text, path)
    if card is not None and card.problem:
        raise UsageError(
            f"{path}, line {card.problem_line}: the front matter cannot be read: {card.problem}.",
            hint="Quote the value, or correct the indentation. Nothing was written.",
        )
    return card


def _prepend(text: str, values: Mapping[str, str], newline: str) -> str:
    """The card with a new front matter, after its byte order mark."""
    body = text.removeprefix("\ufeff")
    mark = text[: len(text) - len(body)]
    gap = "" if not body or body.startswith(("\n", "\r")) else "\n"
    return mark + f"---\n{_lines(values)}---\n{gap}".replace("\n", newline) + body


def _compare(
    card: Card, generated: Mapping[str, str], set_by_user: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The keys to add, and those to replace."""
    present = {field.key: field for field in card.fields}
    fixed = {key: value for key, value in generated.items() if key in keys.HUB_FIXED}
    replaced = {
        key: value
        for key, value in {**fixed, **set_by_user}.items()
        if key in present and present[key].values != _values(key, value)
    }
    every = {**generated, **set_by_user}
    return {key: value for key, value in every.items() if key not in present}, replaced


def _read(text: str, path: str) -> Card | None:
    text = text.removeprefix("\ufeff")
    return read_card(text, path) if text.lstrip().startswith("---") else None


def _values(key: str, text: str) -> tuple[str, ...]:
    card = read_card(f"---\n{key}: {text}\n---\n", "")
    return card.fields[0].values if card and card.fields else ()


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in values.items())


def _replace(body: str, card: Card, replaced: Mapping[str, str], path: str) -> str:
    lines = body.splitlines(keepends=True)
    first = min((field.location.line for field in card.fields), default=1)
    offset = first - next((n for n, line in enumerate(lines) if _is_key(line, card)), 0)
    for field in card.fields:
        if field.key not in replaced:
            continue
        at = field.location.line - offset
        # A value on several lines was written by a person.
        continues = at + 1 < len(lines) and lines[at + 1][:1] in (" ", "\t", "-")
        if continues or not 0 <= at < len(lines):
            raise _cannot_edit(path, {field.key: replaced[field.key]})
        ends = lines[at][len(lines[at].rstrip("\r\n")) :]
        lines[at] = f"{field.key}: {replaced[field.key]}{ends}"
    return "".join(lines)


def _is_key(line: str, card: Card) -> bool:
    return bool(card.fields) and line.lstrip("\"'").startswith(card.fields[0].key)


def _require_kept(old: Card, new: Card | None, changed: Mapping[str, str], path: str) -> None:
    """Check that only the changed keys have changed."""
    kept = {one.key: (one.kind, one.values) for one in old.fields if one.key not in changed}
    have = {one.key: (one.kind, one.values) for one in new.fields} if new else {}
    fits = all(have.get(key) == value for key, value in kept.items())
    there = all(key in have and have[key][1] == _values(key, v) for key, v in changed.items())
    if new is None or new.problem or not fits or not there:
        raise _cannot_edit(path, changed)


def _cannot_edit(path: str, values: Mapping[str, str]) -> UsageError:
    return UsageError(
        f"The front matter of {path} is written in a way that hubkit cannot edit.",
        hint=f"Add this: {'; '.join(_lines(values).splitlines())}. Nothing was written.",
    )
