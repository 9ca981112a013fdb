"""The front matter of a card: what facts tell is added, what is there stays."""

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
    from hubkit.publish.card.facts import CardFacts
    from hubkit.rules.card_keys import Site

_FRONT = re.compile(r"\A(\ufeff?\s*---[ \t]*\r?\n)(.*?)(^---[ \t]*\r?$)", re.DOTALL | re.MULTILINE)
# What YAML takes as it is written, whatever comes after it on the line.
_PLAIN = re.compile(r"[A-Za-z0-9./][A-Za-z0-9 ./_+()&;!?-]*(?:,[A-Za-z0-9 ./_+()&;!?-]+)*")
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "~", "y", "n")
_IMAGE = re.compile(r"f\d+\[\w+, ?[134], ?\w+, ?\w+\]")
_MOST_TAGS = 10
_LISTS = ("tags", "datasets", "language", "metrics")


def wanted_keys(facts: CardFacts, site: Site) -> dict[str, str]:
    """The keys that a site's front matter is to have, as far as facts tell, as YAML.

    Args:
        facts: What the card says.
        site: For which site.
    """
    found = _for_hub(facts) if site == "pytorch-hub" else _for_hugging_face(facts)
    return {key: value for key, value in found.items() if value} if site else {}


def _for_hub(facts: CardFacts) -> dict[str, str]:
    # pytorch/hub's scripts/sanity_check.py: the fixed keys come first and just so; it takes
    # pytorch-logo.png and no-image where there is no image; values are not unquoted; tags stand in
    # brackets on one line. Its docs/template.md has this order.
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
    licence = facts.licence
    other = licence if licence and licence.on_hugging_face == "other" else None
    tags = list(dict.fromkeys(["torch-hub", *facts.keywords]))[:_MOST_TAGS]
    return {
        "license": licence.on_hugging_face if licence else "",
        "license_name": _scalar(other.spdx.lower()) if other else "",
        "license_link": _scalar(other.file) if other else "",
        "library_name": "pytorch",
        "tags": f"[{', '.join(map(_scalar, tags))}]",
    }


def _bare(text: str) -> str:
    """A text that stands without quotes and holds no colon, which pytorch.org/hub takes not."""
    words = " ".join(re.sub(r"\s*:\s*", ", ", text).replace(" #", " ").split())
    words = printable(words)
    return words.strip("\"'`[]{}*&!|>%@#?,- ").rstrip(".")


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text[0].isdigit()
    return text if is_plain and "," not in text else json.dumps(printable(text), ensure_ascii=False)


def given_value(key: str, text: str) -> str:
    """What the user gives for a key, as YAML: a list in brackets or with commas where one belongs.

    Args:
        key: The key.
        text: The value.
    """
    text = " ".join(text.split())
    if key in _LISTS and not text.startswith("["):
        return f"[{', '.join(_scalar(part.strip()) for part in text.split(','))}]"
    if key in _LISTS or key in (*keys.HUB_FIXED, *keys.HUB_REQUIRED, *keys.HUB_OPTIONAL):
        return text
    return _scalar(text)


def refresh_front(
    text: str,
    path: str,
    wanted: Mapping[str, str],
    given: Mapping[str, str],
    newline: str = "\n",
) -> str:
    """The card with the keys that its front matter lacks, and with those that the user gives.

    Args:
        text: The card.
        path: Its path.
        wanted: Keys that it is to have. One that is there stays as it is, but for those of which
            pytorch.org/hub takes one value only.
        given: Keys that are to have just these values.
        newline: What ends its lines.

    Raises:
        UsageError: The front matter cannot be read, or is written in a way that cannot be added to.
    """
    if not wanted and not given:
        return text
    card = require_card(text, path)
    if card is None:
        made = _lines({**wanted, **given})
        start = len(text) - len(text.removeprefix("\ufeff"))
        gap = "" if not text[start:] or text[start:].startswith(("\n", "\r")) else "\n"
        front = f"---\n{made}---\n{gap}".replace("\n", newline)
        return text[:start] + front + text[start:]
    present = {field.key: field for field in card.fields}
    fixed = {key: value for key, value in wanted.items() if key in keys.HUB_FIXED}
    replaced = {
        key: value
        for key, value in {**fixed, **given}.items()
        if key in present and present[key].values != _values(key, value)
    }
    missing = {key: v for key, v in {**wanted, **given}.items() if key not in present}
    found = _FRONT.match(text)
    if found is None:
        raise _cannot(path, {**missing, **replaced})
    body = _replace(found[2], card, replaced, path)
    first = {key: value for key, value in missing.items() if key in keys.HUB_FIXED}
    last = {key: value for key, value in missing.items() if key not in first}
    before, after = (_lines(part).replace("\n", newline) for part in (first, last))
    made = f"{found[1]}{before}{body}{after}{text[found.start(3) :]}"
    _require_kept(card, _read(made, path), {**replaced, **missing}, path)
    return made


def require_card(text: str, path: str) -> Card | None:
    """The card's front matter, if it has any.

    Raises:
        UsageError: It has, and it cannot be read.
    """
    card = _read(text, path)
    if card is not None and card.problem:
        raise UsageError(
            f"{path}, line {card.problem_line}: the front matter cannot be read: {card.problem}.",
            hint="Quote the value, or indent it as YAML wants. Nothing was written.",
        )
    return card


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
        # A value that goes on below its key is somebody's work.
        goes_on = at + 1 < len(lines) and lines[at + 1][:1] in (" ", "\t", "-")
        if goes_on or not 0 <= at < len(lines):
            raise _cannot(path, {field.key: replaced[field.key]})
        ends = lines[at][len(lines[at].rstrip("\r\n")) :]
        lines[at] = f"{field.key}: {replaced[field.key]}{ends}"
    return "".join(lines)


def _is_key(line: str, card: Card) -> bool:
    return bool(card.fields) and line.lstrip("\"'").startswith(card.fields[0].key)


def _require_kept(old: Card, new: Card | None, changed: Mapping[str, str], path: str) -> None:
    """Insist that all else means what it meant, and that what was to be added is there."""
    kept = {one.key: (one.kind, one.values) for one in old.fields if one.key not in changed}
    have = {one.key: (one.kind, one.values) for one in new.fields} if new else {}
    fits = all(have.get(key) == value for key, value in kept.items())
    there = all(key in have and have[key][1] == _values(key, v) for key, v in changed.items())
    if new is None or new.problem or not fits or not there:
        raise _cannot(path, changed)


def _cannot(path: str, values: Mapping[str, str]) -> UsageError:
    return UsageError(
        f"the front matter of {path} is written in a way that hubkit cannot add to.",
        hint=f"Write it yourself: {'; '.join(_lines(values).splitlines())}. Nothing was written.",
    )
