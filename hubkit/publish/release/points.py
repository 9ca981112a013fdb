"""What a checklist is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit._util.text import join_words

if TYPE_CHECKING:
    from collections.abc import Iterable

State = Literal["ok", "note", "missing"]
_SHOWN = 3


class Point(Struct, frozen=True):
    """One thing that a release wants.

    Attributes:
        name: What it is about.
        state: "missing" stands in the way, "note" is for the publisher to judge.
        why: What is so, in one sentence without its stop.
        todo: What to do about it: a command where one does it; "" when nothing is to be done.
    """

    name: str
    state: State
    why: str
    todo: str = ""


def some(things: Iterable[str]) -> str:
    """A few of many things, and how many more there are."""
    return join_words(things, most=_SHOWN)
