"""Fixes of the front matter of model cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Edit, Fix, Location
from hubkit.rules import card_keys as keys

if TYPE_CHECKING:
    from hubkit.facts import Card, RepoFacts

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
