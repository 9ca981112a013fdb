"""Lines of a text: places in it, one after the other, without reading it again for each."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache


class Places:
    """Lines and columns of ascending offsets in a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._line = self._start = 0

    def place(self, offset: int) -> tuple[int, int]:
        """How many lines end before an offset, and its column from 1.

        Args:
            offset: Not before that of the last call.
        """
        self._line += self._text.count("\n", self._at, offset)
        self._start = self._text.rfind("\n", self._at, offset) + 1 or self._start
        self._at = offset
        return self._line, offset - self._start + 1


def column_of(line: str, offset: int) -> int:
    """The column, from 1, of a UTF-8 offset in a line, as ast counts them."""
    if line.isascii():
        return offset + 1
    return offset - bisect_left(_continuations(line), offset) + 1


@lru_cache(maxsize=64)
def _continuations(line: str) -> list[int]:
    """Offsets of the bytes of a line's UTF-8 that start no character."""
    data = line.encode("utf-8", "surrogatepass")
    return [at for at, byte in enumerate(data) if byte & 0xC0 == 0x80]
