"""Items between brackets: arguments of a call, parameters of a function, elements of a list."""

from __future__ import annotations

import tokenize
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from hubkit.facts import Edit
    from hubkit.rules.edits.source import Source, Token

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Item(Struct, frozen=True):
    """What stands between two commas.

    Attributes:
        start: Where it begins.
        end: Where it has ended.
        comma: The comma behind it, or None.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    comma: Token | None


class Brackets(Struct, frozen=True):
    """A pair of brackets and the items between.

    Attributes:
        source: The file.
        open: The opening bracket.
        close: The closing one.
        items: What stands between, in order.
        comments: The comments between.
    """

    source: Source
    open: Token
    close: Token
    items: tuple[Item, ...]
    comments: tuple[Token, ...]

    def append(self, text: str, *, is_tuple: bool = False) -> Edit | None:
        """An edit that adds an item in the way in which the others are written.

        Args:
            text: The item.
            is_tuple: Whether one item alone needs a comma behind it.
        """
        if not self.items:
            if self.comments:
                return None
            text = f"{text}," if is_tuple else text
            brackets = f"{self.open.text}{text}{self.close.text}"
            return self.source.replace(self.open.start, self.close.end, brackets)
        last = self.items[-1]
        if not self._starts_line(last):
            return self.source.insert(last.end, f", {text}")
        indent = self.source.indent(last.start[0])
        if last.comma is None:
            return self.source.insert(last.end, f",\n{indent}{text}")
        if last.comma.line == self.close.line:
            return self.source.insert(last.comma.end, f"\n{indent}{text},")
        line = last.comma.line
        end = line, len(self.source.lines[line - 1].rstrip()) + 1
        return self.source.insert(end, f"\n{indent}{text},")

    def remove(self, item: Item, *, is_tuple: bool = False) -> Edit:
        """An edit that takes an item and one comma away, and its line if it is alone there.

        Args:
            item: One of the items.
            is_tuple: Whether one item alone needs a comma behind it.
        """
        index = self.items.index(item)
        before = self.items[index - 1] if index else None
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        last = item.comma.end if item.comma else item.end
        if self._is_alone(item, last) and (following or item.comma or not before):
            return self.source.delete_lines(item.start[0], last[0])
        joins = following and (before is None or following.start[0] == last[0])
        if following and joins and not self._remarks_between(last, following.start):
            return self.source.replace(item.start, following.start, "")
        if before is None or before.comma is None:
            return self.source.replace(item.start, last, "")
        if self._remarks_between(before.end, item.start):
            return self.source.replace(item.start, last, "")
        keep_comma = following or item.comma or (is_tuple and index == 1)
        return self.source.replace(before.comma.end if keep_comma else before.end, last, "")

    def _remarks_between(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        return any(start <= one.start < end for one in self.comments)

    def _starts_line(self, item: Item) -> bool:
        line, column = item.start
        return line != self.open.line and not self.source.lines[line - 1][: column - 1].strip()

    def _is_alone(self, item: Item, end: tuple[int, int]) -> bool:
        """Whether nothing but a comment shares an item's lines."""
        rest = self.source.lines[end[0] - 1][end[1] - 1 :].strip()
        return self._starts_line(item) and (not rest or rest.startswith("#"))


def brackets_at(source: Source, start: tuple[int, int], end: tuple[int, int]) -> Brackets | None:
    """The last pair of brackets in a stretch of code that ends with its closing one.

    Args:
        source: The file.
        start: Where the code begins; it may begin before the brackets.
        end: Just behind the closing bracket.
    """
    tokens = source.tokens(start, end)
    if not tokens or tokens[-1].text not in _CLOSE:
        return None
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        depth += _step(tokens[index])
        if depth == 0:
            return _read(source, tokens[index:])
    return None


def first_brackets(source: Source, start: tuple[int, int], end: tuple[int, int]) -> Brackets | None:
    """The first pair of round brackets in a stretch of code that is in no others."""
    tokens = source.tokens(start, end) or []
    depth, opened = 0, None
    for index, token in enumerate(tokens):
        if depth == 0 and token.text == "(":
            opened = index
        depth -= _step(token)
        if depth == 0 and opened is not None:
            return _read(source, tokens[opened : index + 1])
    return None


def _step(token: Token) -> int:
    """How brackets nest, read backwards."""
    if token.kind != tokenize.OP:
        return 0
    return (token.text in _CLOSE) - (token.text in _OPEN)


def _read(source: Source, tokens: list[Token]) -> Brackets:
    inner = [token for token in tokens[1:-1] if token.kind != tokenize.COMMENT]
    comments = tuple(token for token in tokens if token.kind == tokenize.COMMENT)
    items: list[Item] = []
    current: list[Token] = []
    depth = 0
    for token in inner:
        depth -= _step(token)
        if depth == 0 and token.text == "," and current:
            items.append(Item(current[0].start, current[-1].end, token))
            current = []
        else:
            current.append(token)
    if current:
        items.append(Item(current[0].start, current[-1].end, None))
    return Brackets(source, tokens[0], tokens[-1], tuple(items), comments)
