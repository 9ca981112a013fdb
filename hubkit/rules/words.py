"""Lists, plurals and likely spellings in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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


def closest(word: str, options: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The option that a word was likely meant to be; "" when none is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(options), n=1, cutoff=cutoff)), "")
