"""Comments that suppress findings: ``# hubkit: ignore[HUB501] reason``.

``# hubkit: file-ignore[HUB305] reason`` does so for the whole file that it stands in.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis.syntax import child_nodes, first_line, statements, walk
from hubkit.facts import Location, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.modules import SourceFile

_COMMENT = re.compile(
    r"#\s*hubkit:\s*(file-)?ignore\s*\[([^\]]{0,1000})\]\s*[:\-\u2013\u2014]*\s*(.*)"
)


def read_suppressions(file: SourceFile) -> tuple[Suppression, ...]:
    """The suppressions in a file, with the lines that each covers.

    A comment covers the innermost statement on whose lines it stands, a compound statement up to
    the colon of its header. Alone on its line above a statement it covers that one.
    """
    if "hubkit:" not in file.text:
        return ()
    spans = _Spans(tuple(sorted(_spans(file.tree), key=lambda span: span.first)))
    return tuple(
        suppression
        for comment in _comments(file.text)
        if (suppression := _read(file, comment, spans))
    )


class Spot(Struct, frozen=True):
    """A place for a comment that covers a statement.

    Attributes:
        line: The line.
        column: Where its comment starts; without a comment, where its code ends.
        comment: The comment; empty if it has none.
    """

    line: int
    column: int
    comment: str


def find_spots(text: str, lines: Iterable[int]) -> dict[int, Spot]:
    """For lines with findings, the places of comments after code that cover them.

    Args:
        text: The file's text, with normalized newlines.
        lines: The lines.

    Returns:
        The nearest spot for each line that has one; none when the text does not parse.
    """
    try:
        tree = ast.parse(text)
        ends = {spot.line: spot for spot in _line_ends(text)}
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return {}
    spans = _Spans(tuple(sorted(_spans(tree), key=lambda span: span.first)))
    found = {}
    for line in lines:
        first, last = spans.around(line)
        # Behind the finding itself, else below it, else above it.
        for near in (*range(line, last + 1), *range(line - 1, first - 1, -1)):
            covered = spans.around(near)
            if near in ends and covered[0] <= line <= covered[1]:
                found[line] = ends[near]
                break
    return found


def _line_ends(text: str) -> Iterator[Spot]:
    """Ends of lines with code at which a comment is one: outside strings and without a backslash."""
    comment: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comment = token
        elif token.type in (tokenize.NEWLINE, tokenize.NL):
            line, end = token.start
            column = comment.start[1] if comment else end
            if token.line[:column].strip():
                yield Spot(line, column + 1, comment.string if comment else "")
            comment = None


class _Span(Struct, frozen=True):
    """Lines of a statement, or of a compound one's header; ``code`` is the last that has code."""

    first: int
    code: int
    last: int


class _Spans(Struct, frozen=True):
    """Spans by their first line. Only statements that share a line overlap."""

    spans: tuple[_Span, ...]

    def around(self, line: int) -> tuple[int, int]:
        """The lines that a comment behind code covers."""
        index = self._last_before(line)
        if index >= 0 and line <= self.spans[index].last:
            return self.spans[index].first, self.spans[index].last
        return line, line

    def below(self, line: int) -> tuple[int, int]:
        """The lines that a comment alone on its line covers."""
        index = self._last_before(line)
        if index >= 0 and line <= self.spans[index].code:
            return self.spans[index].first, self.spans[index].last
        if index + 1 < len(self.spans):
            return self.spans[index + 1].first, self.spans[index + 1].last
        return line, line

    def _last_before(self, line: int) -> int:
        return bisect_right(self.spans, line, key=lambda span: span.first) - 1


def _read(file: SourceFile, comment: tokenize.TokenInfo, spans: _Spans) -> Suppression | None:
    found = _COMMENT.search(comment.string)
    if found is None:
        return None
    codes = tuple(code for code in re.split(r"[\s,]+", found[2]) if code)
    (line, start), (_, end) = comment.start, comment.end
    alone = not comment.line[:start].strip()
    first, last = spans.below(line) if alone else spans.around(line)
    place = Location(file.path, line, start + 1, line, end + 1)
    return Suppression(codes, found[3].strip(), place, first, last, bool(found[1]))


def read_comment(comment: str) -> tuple[int, bool] | None:
    """Where the codes of an ``ignore`` in a comment end, and whether a reason follows.

    None if the comment is not an ``ignore``, or is one for a whole file.
    """
    found = _COMMENT.search(comment)
    return (found.end(2), bool(found[3].strip())) if found and not found[1] else None


def _comments(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and "hubkit:" in token.string:
                yield token
    except (tokenize.TokenError, SyntaxError):
        # The tokenizer is stricter than the parser about a few endings; what came before counts.
        return


def _spans(tree: ast.Module) -> Iterator[_Span]:
    for node in statements(tree.body):
        first, end = first_line(node), node.end_lineno or node.lineno
        body: list[ast.stmt] | None = getattr(node, "body", None)
        if body:
            yield _Span(first, _header_end(node), max(node.lineno, first_line(body[0]) - 1))
        else:
            yield _Span(first, end, end)


def _header_end(node: ast.stmt) -> int:
    """The last line of a compound statement's header, as far as its parts show."""
    last = node.lineno
    for child in child_nodes(node):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            ends = [getattr(part, "end_lineno", None) or 0 for part in walk(child)]
            last = max(last, *ends)
    return last
