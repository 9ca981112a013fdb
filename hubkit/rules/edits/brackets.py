"""Edits of items between brackets: call arguments, parameters, the list ``dependencies``."""

from __future__ import annotations

import ast
import tokenize
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.rules.edits.names import code_start
from hubkit.rules.edits.source import is_plain_string, quote_of, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit.facts import Edit, Location, RepoFacts
    from hubkit.rules.edits.source import Source, Token


_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Item(Struct, frozen=True):
    """The text between two commas.

    Attributes:
        start: Its start.
        end: Its end.
        comma: The comma after it, or None.
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
        items: The items in them, in order.
        comments: The comments in them.
    """

    source: Source
    open: Token
    close: Token
    items: tuple[Item, ...]
    comments: tuple[Token, ...]

    def append(self, text: str, *, is_tuple: bool = False) -> Edit | None:
        """Add an item in the style of the others.

        Args:
            text: The item.
            is_tuple: Whether a single item needs a trailing comma.
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
        """Remove an item and a comma, and the line if nothing else is on it.

        Args:
            item: One of the items.
            is_tuple: Whether a single item needs a trailing comma.
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
        """Whether an item is alone on its lines, except for a comment."""
        rest = self.source.lines[end[0] - 1][end[1] - 1 :].strip()
        return self._starts_line(item) and (not rest or rest.startswith("#"))


def brackets_at(source: Source, start: tuple[int, int], end: tuple[int, int]) -> Brackets | None:
    """Find the brackets that end at a place.

    Args:
        source: The file.
        start: Where to start; it may be before the brackets.
        end: The end of the closing bracket.
    """
    tokens = source.tokens(start, end)
    if not tokens or tokens[-1].text not in _CLOSE:
        return None
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        depth += _step(tokens[index])
        if depth == 0:
            return _read_brackets(source, tokens[index:])
    return None


def first_brackets(source: Source, start: tuple[int, int], end: tuple[int, int]) -> Brackets | None:
    """Find the first top-level parentheses between two places."""
    tokens = source.tokens(start, end) or []
    depth, opened = 0, None
    for index, token in enumerate(tokens):
        if depth == 0 and token.text == "(":
            opened = index
        depth -= _step(token)
        if depth == 0 and opened is not None:
            return _read_brackets(source, tokens[opened : index + 1])
    return None


def _step(token: Token) -> int:
    """The change of the nesting depth, read backwards."""
    if token.kind != tokenize.OP:
        return 0
    return (token.text in _CLOSE) - (token.text in _OPEN)


def _read_brackets(source: Source, tokens: list[Token]) -> Brackets:
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


class CallSource(Struct, frozen=True):
    """The source of a call."""

    source: Source
    node: ast.Call

    def set_argument(self, name: str, value: str, *, position: int) -> Edit | None:
        """Add a keyword argument, or replace the value of the argument.

        Args:
            name: The name of the argument.
            value: The source of its value.
            position: Its index among positional arguments.
        """
        current = self._find_argument(name, position)
        if current is not None:
            return self.source.replace_node(current, value)
        if any(isinstance(argument, ast.Starred) for argument in self.node.args):
            return None
        if any(keyword.arg is None for keyword in self.node.keywords):
            return None
        brackets = self.brackets()
        return brackets.append(f"{name}={value}") if brackets else None

    def brackets(self) -> Brackets | None:
        """The brackets around the arguments."""
        source = self.source
        return brackets_at(source, source.start(self.node), source.end(self.node))

    def _find_argument(self, name: str, position: int) -> ast.expr | None:
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        before = self.node.args[: position + 1]
        starred = any(isinstance(one, ast.Starred) for one in before)
        return before[position] if len(before) > position and not starred else None


def call_at(repo: RepoFacts, place: Location) -> CallSource | None:
    """Find the call at a place, or None."""
    source = source_of(repo, place.path)
    if source is None or not place.end_line:
        return None
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    for node in source.by_line.get(place.line, ()):
        if isinstance(node, ast.Call) and (source.start(node), source.end(node)) == (start, end):
            return CallSource(source, node) if _is_position_right(source, node) else None
    return None


def _is_position_right(source: Source, node: ast.Call) -> bool:
    """Whether the position in the tree is right; in f-strings before Python 3.12 it may not be."""
    try:
        # A call over several lines need not be an expression by itself, but in brackets it is.
        written = ast.parse(f"({source.segment(node)})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return ast.dump(written) == ast.dump(node)


_WIDEST = 100


def insert_list(repo: RepoFacts, names: Sequence[str]) -> Edit | None:
    """Add ``dependencies`` at the top of hubconf.py."""
    source = source_of(repo, "hubconf.py")
    line = code_start(source) if source else None
    if source is None or line is None:
        return None
    text = f"dependencies = {_list(source, names)}\n"
    before = "\n" if line > 1 and source.lines[line - 2].strip() else ""
    after = "\n" if source.lines[line - 1].strip() else ""
    return source.insert((line, 1), f"{before}{text}{after}")


def make_list(repo: RepoFacts, place: Location) -> Edit | None:
    """Replace the string that is assigned to ``dependencies`` with a list."""
    source = source_of(repo, place.path)
    value = _value(source, place) if source else None
    if source is None or not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return None
    names = value.value.replace(",", " ").split()
    if not is_plain_string(source.segment(value)) or not names:
        return None
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        return None
    quote = source.segment(value)[0]
    listed = ", ".join(f"{quote}{name}{quote}" for name in names)
    return source.replace_node(value, f"[{listed}]")


def append_entry(repo: RepoFacts, name: str) -> Edit | None:
    """Add an entry to ``dependencies``."""
    found = _list_brackets(repo)
    if found is None:
        return None
    texts = [found.source.between(item.start, item.end) for item in found.items]
    written = next((text[0] for text in texts if is_plain_string(text)), quote_of(found.source))
    return found.append(f"{written}{name}{written}", is_tuple=found.open.text == "(")


def replace_entry(repo: RepoFacts, place: Location, old: str, new: str) -> Edit | None:
    """Replace the text of an entry."""
    source = source_of(repo, place.path)
    text = source.at(place) if source and place.end_line else ""
    if source is None or not is_plain_string(text) or text[1:-1] != old:
        return None
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    return source.replace(start, end, f"{text[0]}{new}{text[0]}")


def remove_entry(repo: RepoFacts, place: Location) -> tuple[Edit, bool] | None:
    """Remove an entry; also returns whether that removes a comment."""
    found = _list_brackets(repo)
    item = _item(found, place) if found else None
    # Empty braces are a dict, not a set.
    if found is None or item is None or (found.open.text == "{" and len(found.items) == 1):
        return None
    edit = found.remove(item, is_tuple=found.open.text == "(")
    gone = edit.location
    return edit, any(gone.line <= one.line < gone.end_line for one in found.comments)


def _item(brackets: Brackets, place: Location) -> Item | None:
    start = (place.line, place.column)
    return next((item for item in brackets.items if item.start == start), None)


def _list_brackets(repo: RepoFacts) -> Brackets | None:
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    if dependencies is None or (source := source_of(repo, dependencies.location.path)) is None:
        return None
    value = _value(source, dependencies.location)
    if not isinstance(value, ast.List | ast.Tuple | ast.Set):
        return None
    found = brackets_at(source, source.start(value), source.end(value))
    # The last bracket of a tuple without parentheses is not its own.
    return found if found and found.open.start == source.start(value) else None


def _value(source: Source, place: Location) -> ast.expr | None:
    match source.statement(place):
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return value
    return None


def _list(source: Source, names: Sequence[str]) -> str:
    quote = quote_of(source)
    listed = [f"{quote}{name}{quote}" for name in names]
    short = f"[{', '.join(listed)}]"
    if len(f"dependencies = {short}") <= _WIDEST:
        return short
    return "[\n" + "".join(f"    {name},\n" for name in listed) + "]"
