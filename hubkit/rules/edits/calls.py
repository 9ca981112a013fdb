"""Arguments of calls, and defaults of parameters."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubkit.rules.edits.brackets import brackets_at
from hubkit.rules.edits.source import Source, source_of

if TYPE_CHECKING:
    from hubkit.facts import Edit, Location, RepoFacts
    from hubkit.rules.edits.brackets import Brackets


@dataclass(frozen=True, slots=True)
class CallSource:
    """A call as it is written.

    Attributes:
        source: The file.
        place: Where it stands.
        inner: The text that was parsed: the call in brackets.
        node: The call.
    """

    source: Source
    place: Location
    inner: Source
    node: ast.Call

    def give(self, name: str, value: str, *, position: int | None = None) -> Edit | None:
        """An edit that passes a keyword argument, in place of the one that is passed.

        Args:
            name: The argument.
            value: Source text of its value.
            position: Which positional argument it is; None when it can be none.
        """
        given = self._given(name, position)
        if given is not None:
            return self._replace(given, value)
        if any(isinstance(argument, ast.Starred) for argument in self.node.args):
            return None
        if any(keyword.arg is None for keyword in self.node.keywords):
            return None
        brackets = self.brackets()
        return brackets.append(f"{name}={value}") if brackets else None

    def brackets(self) -> Brackets | None:
        """The brackets around the arguments."""
        place = self.place
        start, end = (place.line, place.column), (place.end_line, place.end_column)
        return brackets_at(self.source, start, end)

    def text(self, node: ast.expr) -> str:
        """The text of a part of the call."""
        return self.source.between(*self.span(node))

    def span(self, node: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where a part of the call stands in the file."""
        return self._outer(self.inner.start(node)), self._outer(self.inner.end(node))

    def _outer(self, place: tuple[int, int]) -> tuple[int, int]:
        line, column = place
        if line == 1:
            return self.place.line, self.place.column + column - 2
        return self.place.line + line - 1, column

    def _given(self, name: str, position: int | None) -> ast.expr | None:
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        if position is None or len(self.node.args) <= position:
            return None
        argument = self.node.args[position]
        starred = any(isinstance(one, ast.Starred) for one in self.node.args[: position + 1])
        return None if starred else argument

    def _replace(self, given: ast.expr, value: str) -> Edit:
        return self.source.replace(*self.span(given), value)


def call_at(repo: RepoFacts, place: Location) -> CallSource | None:
    """The call at a place; None when that is not what stands there."""
    source = source_of(repo, place.path)
    if source is None or not place.end_line:
        return None
    # A call over several lines need not be an expression by itself, but in brackets it is.
    text = f"({source.at(place)})"
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, ast.Call):
        return None
    return CallSource(source, place, Source(place.path, text, tuple(text.split("\n"))), node)
