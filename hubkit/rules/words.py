"""Lists and plurals in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quoted(names: Sequence[str], *, most: int = 6) -> str:
    """`a`, `b` and `c`; of many only the first, and how many more there are."""
    shown = [f"`{name}`" for name in names[:most]]
    rest = len(names) - most
    if rest > 0:
        shown.append(f"{rest} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def plural(count: int, noun: str) -> str:
    """ "1 place", "3 places"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
