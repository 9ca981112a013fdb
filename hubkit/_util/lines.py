"""Lines and columns of offsets in a text."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache


class Places:
    """Converts ascending offsets in a text in one pass."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._line = self._start = 0

    def place(self, offset: int) -> tuple[int, int]:
        """The number of line ends before an offset, and its column, from 1.

        Args:
            offset: Not smaller than that of the last call.
        """
        self._line += self._text.count("\n", self._at, offset)
        self._start = self._text.rfind("\n", self._at, offset) + 1 or self._start
        self._at = offset
        return self._line, offset - self._start + 1


def column_of(line: str, offset: int) -> int:
    """The column, from 1, of a UTF-8 offset in a line, as used by ``ast``."""
    if line.isascii():
        return offset + 1
    return offset - bisect_left(_continuations(line), offset) + 1


@lru_cache(maxsize=64)
def _continuations(line: str) -> list[int]:
    """Offsets of continuation bytes in the UTF-8 of a line."""
    data = line.encode("utf-8", "surrogatepass")
    return [at for at, byte in enumerate(data) if byte & 0xC0 == 0x80]
