"""The source of a file, with its syntax tree and tokens."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from hubkit.facts import Edit, Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hubkit.facts import RepoFacts

_LAYOUT = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
# A string on one line. An apostrophe in prose follows a letter.
_QUOTED = re.compile(r"""(?<![\w'"])[bfrBFR]{0,2}(["'])(?!\1)[^"'\n]*\1(?!["'])""")
Place = tuple[int, int]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
NamedNode = FunctionNode | ast.ClassDef


class Token(NamedTuple):
    """One token; line and columns count as ``Location`` does."""

    kind: int
    text: str
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def start(self) -> Place:
        """Its start."""
        return self.line, self.column

    @property
    def end(self) -> Place:
        """Its end."""
        return self.end_line, self.end_column


class Source(Struct, frozen=True):
    """A Python file of the repo.

    Attributes:
        path: POSIX path relative to the root of the repo.
        text: Its text, with normalized newlines.
        lines: The lines of the text.
    """

    path: str
    text: str
    lines: tuple[str, ...]

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parse(self.text)

    @property
    def by_line(self) -> Mapping[int, Sequence[ast.AST]]:
        """Nodes by their first line, outer ones first."""
        return _by_line(self.text)

    def between(self, start: Place, end: Place) -> str:
        """The text from one place to another."""
        (line, column), (end_line, end_column) = start, end
        if line == end_line:
            return self.lines[line - 1][column - 1 : end_column - 1]
        first, last = self.lines[line - 1][column - 1 :], self.lines[end_line - 1][: end_column - 1]
        return "\n".join([first, *self.lines[line : end_line - 1], last])

    def at(self, place: Location) -> str:
        """The text at a place."""
        return self.between((place.line, place.column), (place.end_line, place.end_column))

    def start(self, node: ast.AST) -> Place:
        """The start of a node."""
        return self._place(node, "lineno", "col_offset")

    def end(self, node: ast.AST) -> Place:
        """The end of a node."""
        return self._place(node, "end_lineno", "end_col_offset")

    def segment(self, node: ast.AST) -> str:
        """The text of a node."""
        return self.between(self.start(node), self.end(node))

    def indent(self, line: int) -> str:
        """The indentation of a line."""
        text = self.lines[line - 1]
        return text[: len(text) - len(text.lstrip(" \t\f"))]

    def is_alone(self, node: ast.stmt) -> bool:
        """Whether a statement is alone on its lines, except for a comment."""
        (first, column), (last, end_column) = self.start(node), self.end(node)
        above = self.lines[first - 2] if first > 1 else ""
        before = self.lines[first - 1][: column - 1].strip()
        rest = self.lines[last - 1][end_column - 1 :].strip()
        return not before and not above.endswith("\\") and (not rest or rest.startswith("#"))

    def replace(self, start: Place, end: Place, text: str) -> Edit:
        """Replace text."""
        return Edit(Location(self.path, *start, *end), text)

    def insert(self, place: Place, text: str) -> Edit:
        """Insert text."""
        return self.replace(place, place, text)

    def replace_node(self, node: ast.AST, text: str) -> Edit:
        """Replace the text of a node."""
        return self.replace(self.start(node), self.end(node), text)

    def delete_lines(self, first: int, last: int) -> Edit:
        """Delete lines."""
        if last < len(self.lines):
            return self.replace((first, 1), (last + 1, 1), "")
        return self.replace((first, 1), (last, len(self.lines[last - 1]) + 1), "")

    def tokens(self, start: Place, end: Place) -> list[Token] | None:
        """The tokens between two places in an expression, including comments."""
        # In brackets, the tokenizer ignores line ends and indentation.
        text = f"({self.between(start, end)})"
        line, column = start
        return _tokenize(text, line, column - 1)

    def last(self, text: str, start: Place, end: Place, *, before: Place) -> Token | None:
        """The last token with a text before a place in an expression."""
        those = [one for one in self.tokens(start, end) or () if one.text == text]
        return next((one for one in reversed(those) if one.start < before), None)

    def named(self, place: Location) -> NamedNode | None:
        """The ``def`` or ``class`` whose name is at a place."""
        name = self.at(place) if place.end_line else ""
        those = self.by_line.get(place.line, ())
        return next((one for one in those if isinstance(one, NamedNode) and one.name == name), None)

    def statement(self, place: Location) -> ast.stmt | None:
        """The statement that starts at a place."""
        start, those = (place.line, place.column), self.by_line.get(place.line, ())
        return next(
            (one for one in those if isinstance(one, ast.stmt) and self.start(one) == start), None
        )

    def _place(self, node: ast.AST, line_name: str, column_name: str) -> Place:
        line, offset = int(getattr(node, line_name)), int(getattr(node, column_name))
        text = self.lines[line - 1]
        # ast counts UTF-8 bytes.
        column = offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace"))
        return line, column + 1


def source_of(repo: RepoFacts, path: str) -> Source | None:
    """The source of a file; None if it was not read."""
    text = repo.sources.get(path)
    return _split(path, text) if text is not None else None


@lru_cache(maxsize=64)
def _split(path: str, text: str) -> Source:
    # A file may have thousands of findings.
    return Source(path, text, tuple(text.split("\n")))


def quote_of(source: Source, near: str = "") -> str:
    """The preferred quote character of a file.

    Args:
        source: The file.
        near: Code around the place, which takes precedence.
    """
    return _quote_in(near) or _quote_in(source.text) or '"'


@lru_cache(maxsize=64)
def _quote_in(text: str) -> str:
    marks = [found[1] for found in _QUOTED.finditer(text)]
    if not marks:
        return ""
    return "'" if marks.count("'") * 2 > len(marks) else '"'


def is_plain_string(text: str) -> bool:
    """Whether a text is a string literal without prefix, escapes and newlines."""
    quote = text[:1]
    return (
        len(text) >= 2
        and quote in "'\""
        and text.endswith(quote)
        and not set(text[1:-1]) & {quote, "\\", "\n"}
    )


@lru_cache(maxsize=16)
def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


@lru_cache(maxsize=16)
def _by_line(text: str) -> dict[int, list[ast.AST]]:
    found: dict[int, list[ast.AST]] = {}
    for node in ast.walk(_parse(text)):
        if line := getattr(node, "lineno", 0):
            found.setdefault(line, []).append(node)
    return found


def _tokenize(text: str, line: int, column: int) -> list[Token] | None:
    try:
        return list(_shifted(text, line, column))
    except (tokenize.TokenError, SyntaxError):
        return None


def _shifted(text: str, line: int, column: int) -> Iterator[Token]:
    """The tokens in brackets, with their positions in the file."""
    found = [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _LAYOUT
    ]
    for token in found[1:-1]:
        (row, start), (end_row, end) = token.start, token.end
        yield Token(
            token.type,
            token.string,
            line + row - 1,
            # The added bracket makes up for counting from 1.
            start + (column if row == 1 else 1),
            line + end_row - 1,
            end + (column if end_row == 1 else 1),
        )
