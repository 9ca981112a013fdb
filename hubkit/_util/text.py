"""Text for people: plurals, lists, suggestions, lines and columns, and escapes."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_BAR = r"(\\*)\|"
# Blanks that are shown as blanks; str.isprintable knows only the first one.
_BLANKS = frozenset(" \u00a0\u3000")
# Underscores inside a word start no emphasis.
_MARKUP = r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
# A mention or a reference to an issue notifies people; an empty comment breaks it up.
_REFERENCE = r"(?<!\w)([@#])(?=\w)"
# What makes a heading, a quote, a list or a rule of a line.
_BLOCK_START = r"\A(?=#|>|[+-] |[=-]{2})"


class Painted(str):
    """A line that is escaped already, and may hold colors and links of a terminal."""

    __slots__ = ()


# What Painted may hold besides text: colors and links.
_INVISIBLE = r"\x1b(?:\[[0-9;]*m|\]8;;[^\x1b]*\x1b\\)"


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 file", "3 files"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def format_size(size: int) -> str:
    """A number of bytes in a unit, in powers of ten."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return plural(size, "byte")


def format_share(size: int, total: int | None) -> str:
    """A part of a number of bytes, such as "35.1 of 114.0 MB"; without a total, the part alone."""
    for unit, factor in _UNITS:
        if total is not None and total >= factor:
            return f"{size / factor:.1f} of {total / factor:.1f} {unit}"
    return format_size(size)


def join_words(words: Iterable[str], conjunction: str = "and", *, most: int = 0) -> str:
    """A list in prose: "a", "a and b", "a, b and c".

    Args:
        words: The words.
        conjunction: What stands before the last one.
        most: Show this many and count the rest; 0 shows all of them.
    """
    shown = list(words)
    if most and len(shown) > most:
        shown[most:] = [f"{len(shown) - most} more"]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {conjunction} {shown[-1]}"


def quoted(names: Iterable[str], *, most: int = 6) -> str:
    """Names in backticks as a list in prose: "`a`, `b` and 3 more"."""
    return join_words((f"`{name}`" for name in names), most=most)


def closest(word: str, options: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The option that is most like a word; "" if none is."""
    return next(iter(close_matches(word, options, most=1, cutoff=cutoff)), "")


def close_matches(
    word: str, options: Iterable[str], *, most: int = 3, cutoff: float = 0.6
) -> list[str]:
    """The options that are like a word, the most similar first, each once."""
    import difflib

    return difflib.get_close_matches(word, dict.fromkeys(options), most, cutoff)


def is_letter_off(word: str, right: str) -> bool:
    """Whether one letter of a word is missing, wrong or too many, or two are swapped."""
    if word == right:
        return False
    start = _common_length(word, right)
    one, other = word[start:], right[start:]
    end = _common_length(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    return (len(one) <= 1 and len(other) <= 1) or (len(one) == 2 and one == other[::-1])


def _common_length(one: str, other: str) -> int:
    """The number of characters with which both texts start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def did_you_mean(word: str, options: Iterable[str], *, most: int = 1) -> str:
    """A suggestion, such as "Did you mean `a` or `b`?"; "" if no option is like the word."""
    close = close_matches(word, options, most=most)
    return f"Did you mean {join_words((f'`{one}`' for one in close), 'or')}?" if close else ""


def suggest(word: str, options: Iterable[str]) -> str:
    """What to use instead of an unknown word: a similar option, or one of all."""
    known = list(options)
    return did_you_mean(word, known) or f"Choose one of {join_words(known, 'or')}."


def end_sentence(text: str) -> str:
    """The text with a period, unless it is there, or the end is a URL or that of several lines."""
    is_open = text and text[-1] not in ".?!:…" and "\n" not in text
    return f"{text}." if is_open and "://" not in text.rpartition(" ")[2] else text


def cut_lines(text: str, prefix: str = "", most: int = 6) -> str:
    """The first lines of a text, and the number of the others.

    Args:
        text: The text.
        prefix: How the line with the number starts.
        most: How many lines to keep.
    """
    lines = text.splitlines()
    more = len(lines) - most
    return text if more <= 1 else "\n".join([*lines[:most], f"{prefix}... {more} more lines"])


def printable(text: str) -> str:
    r"""The text on one line, with everything escaped that is not printable, such as ``\x1b``.

    That covers control characters, line ends, bidirectional overrides, zero-width characters and
    lone surrogates. Tabs stay, and so do the colors of ``Painted``. Text that went through it once does not change again.
    """
    if text.isprintable() or isinstance(text, Painted):
        return text
    return "".join(map(_printable, text))


def printable_lines(text: str) -> str:
    """The same for a text of several lines: line feeds stay."""
    return "\n".join(map(printable, text.split("\n")))


def _printable(letter: str) -> str:
    if letter.isprintable() or letter == "\t" or letter in _BLANKS:
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def display_width(text: str) -> int:
    """How many columns of a terminal a printable text takes, as far as Unicode defines it."""
    if isinstance(text, Painted):
        text = re.sub(_INVISIBLE, "", text)
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) != 0 for letter in text)


def align_columns(rows: Sequence[Sequence[str]], *, right: int = 0) -> list[Painted]:
    """Lines of a table; the cells are escaped, unless they are painted.

    Args:
        rows: The cells by row; all rows have the same length.
        right: How many of the last columns are aligned to the right.
    """
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*table, strict=True)]
    first_right = len(widths) - right
    return [
        Painted(
            "  ".join(
                _pad(cell, width, to_right=index >= first_right)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
        for row in table
    ]


def _pad(cell: str, width: int, *, to_right: bool) -> str:
    blanks = " " * (width - display_width(cell))
    return blanks + cell if to_right else cell + blanks


def escape_markdown(text: str, *, keep_code: bool = False) -> str:
    """The text as Markdown that shows it literally, on one line, in a table cell or elsewhere.

    Args:
        text: The text.
        keep_code: Whether what stands between two backticks stays code.
    """
    text = printable(text).replace("\t", " ")
    parts = text.split("`") if keep_code else [text]
    if len(parts) % 2 == 0:  # one backtick is left over
        parts = ["'".join(parts)]
    escaped = [
        f"`{part}`" if number % 2 else _escape_prose(part) for number, part in enumerate(parts)
    ]
    return re.sub(_BLOCK_START, r"\\", "".join(escaped))


def _escape_prose(text: str) -> str:
    text = re.sub(_MARKUP, r"\\\g<0>", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(_REFERENCE, r"\1<!-- -->", text)


def code_span(text: str) -> str:
    """The text as inline code of Markdown, whatever is in it, on one line."""
    text = " ".join(printable(text).split())
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table_cell(markdown: str) -> str:
    """Markdown as the cell of a table, which a bar ends even in code."""
    return re.sub(_BAR, lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", markdown)


def table_row(cells: Iterable[str]) -> str:
    """Markdown texts as a row of a table."""
    return f"| {' | '.join(map(table_cell, cells))} |"


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
