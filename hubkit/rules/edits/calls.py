"""Calls as they are written, and arguments given to them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.rules.edits.brackets import brackets_at
from hubkit.rules.edits.source import source_of

if TYPE_CHECKING:
    from hubkit.facts import Edit, Location, RepoFacts
    from hubkit.rules.edits.brackets import Brackets
    from hubkit.rules.edits.source import Source


class CallSource(Struct, frozen=True):
    """A call as it is written.

    Attributes:
        source: The file.
        node: The call.
    """

    source: Source
    node: ast.Call

    def give(self, name: str, value: str, *, position: int) -> Edit | None:
        """An edit that passes an argument by its name, or in place of the one that is passed.

        Args:
            name: The argument.
            value: Source text of its value.
            position: Which positional argument it is.
        """
        given = self._given(name, position)
        if given is not None:
            return self.source.replace_node(given, value)
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

    def _given(self, name: str, position: int) -> ast.expr | None:
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        before = self.node.args[: position + 1]
        starred = any(isinstance(one, ast.Starred) for one in before)
        return before[position] if len(before) > position and not starred else None


def call_at(repo: RepoFacts, place: Location) -> CallSource | None:
    """The call at a place; None when that is not what stands there."""
    source = source_of(repo, place.path)
    if source is None or not place.end_line:
        return None
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    for node in source.by_line.get(place.line, ()):
        if isinstance(node, ast.Call) and (source.start(node), source.end(node)) == (start, end):
            return CallSource(source, node) if _stands_there(source, node) else None
    return None


def _stands_there(source: Source, node: ast.Call) -> bool:
    """Whether ast is right about a place: before Python 3.12, not in every f-string."""
    try:
        # A call over several lines need not be an expression by itself, but in brackets it is.
        written = ast.parse(f"({source.segment(node)})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return ast.dump(written) == ast.dump(node)
