"""Edits made on a file's bytes: all that they do not name stays as it is."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Edit

# What Python takes for the end of a line; form feeds and the like stand inside lines.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


class PatchError(Exception):
    """A file is not such that the edits can be made; the text says why."""


class _Text(Struct, frozen=True):
    """A file's text with its own line ends."""

    encoding: str
    lines: list[str]

    def offset(self, line: int, column: int) -> int:
        if not 0 < line <= len(self.lines):
            raise PatchError(f"it has no line {line}")
        return sum(map(len, self.lines[: line - 1])) + column - 1

    def newline(self, line: int) -> str:
        """How lines end around a place."""
        for text in (*self.lines[line - 1 : line], *reversed(self.lines[: line - 1])):
            ending = text[len(text.rstrip("\r\n")) :]
            if ending:
                return ending
        return "\n"


def patch(path: str, data: bytes, edits: Iterable[Edit]) -> bytes:
    """A file's bytes with edits made.

    Args:
        path: The file, by whose ending the encoding is told.
        data: Its bytes.
        edits: What to change; they do not overlap.

    Raises:
        PatchError: When an edit does not fit the file, or cannot be written in its encoding.
    """
    text = _read(path, data)
    joined = "".join(text.lines)
    # A stable sort: insertions at one place keep their order.
    spans = sorted(((_span(text, edit), edit) for edit in edits), key=lambda pair: pair[0])
    parts: list[str] = []
    done = 0
    for (start, end), edit in spans:
        if not done <= start <= end <= len(joined):
            raise PatchError(f"line {edit.location.line} is not what it was")
        newline = text.newline(edit.location.line)
        parts += [joined[done:start], edit.text.replace("\n", newline)]
        done = end
    parts.append(joined[done:])
    try:
        return "".join(parts).encode(text.encoding)
    except UnicodeEncodeError:
        raise PatchError(f"its encoding, {text.encoding}, lacks a character") from None


def require_parses(path: str, data: bytes) -> None:
    """Check that a Python file is one still; other files pass.

    Raises:
        PatchError: When it does not parse.
    """
    if not path.endswith(".py"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        raise PatchError(f"it would not parse any more: {error.msg}, line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PatchError(f"it would not parse any more: {error}") from None


def _span(text: _Text, edit: Edit) -> tuple[int, int]:
    place = edit.location
    start = text.offset(place.line, place.column)
    return start, text.offset(place.end_line, place.end_column)


def _read(path: str, data: bytes) -> _Text:
    try:
        if path.endswith(".py"):
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        else:
            encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        text = data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise PatchError(f"it cannot be decoded: {error}") from None
    # The last match is the line behind the last line end, be it empty.
    lines = _LINE.findall(text)
    if len(lines) > 1 and not lines[-2].endswith(("\r", "\n")):
        lines.pop()
    return _Text(encoding, lines)
