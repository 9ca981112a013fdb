"""Definitions that no code in a hubconf's reach mentions, so that nothing runs them."""

from __future__ import annotations

import ast
import re
from itertools import chain
from typing import TYPE_CHECKING

from hubkit.analysis.resolve import Module
from hubkit.analysis.syntax import is_on, walk

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import Location

_LOOKUPS = ("globals()", "locals()", "sys.modules[")
_LOOKUP = re.compile(r"\b(?:getattr|vars|__dict__)\b")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnusedCode:
    """Tells whether code of a module may run when a hubconf is imported or its entrypoints called.

    A function counts as used if code that may run mentions its name, whatever that stands for there.
    Decorated functions, and those of modules in which names are looked up at run time, count as
    used.

    Args:
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        entrypoints: The places where the entrypoints are defined.
    """

    def __init__(
        self, resolver: Resolver, scopes: Sequence[Scope], entrypoints: Container[Location]
    ) -> None:
        self._resolver = resolver
        self._scopes = scopes
        self._entrypoints = entrypoints
        self._used: dict[str, bool] = {}
        self._dynamic: frozenset[str] | None = None

    def has(self, scope: Scope, node: ast.expr) -> bool:
        """Whether nothing runs an expression of a module."""
        around = next(
            (one for one in scope.file.tree.body if one.lineno <= node.lineno <= _end(one)), None
        )
        return isinstance(around, _Definition) and not self._runs(scope, around)

    def _runs(self, scope: Scope, definition: _Definition) -> bool:
        return (
            bool(definition.decorator_list)
            or scope.file.location(definition) in self._entrypoints
            or self._is_used(definition.name)
            or scope.file.module in self._dynamic_modules()
        )

    def _is_used(self, name: str) -> bool:
        if name not in self._used:
            self._used[name] = False  # a function that only calls itself is not used
            self._used[name] = any(self._is_mentioned(scope, name) for scope in self._scopes)
        return self._used[name]

    def _is_mentioned(self, scope: Scope, name: str) -> bool:
        if name not in scope.file.text:
            return False
        lines = scope.file.lines_with(re.compile(rf"\b{re.escape(name)}\b"))
        for statement in scope.file.tree.body:
            if not is_on(statement, lines):
                continue
            definition = statement if isinstance(statement, _Definition) else None
            if definition is not None and definition.name == name:
                continue
            for mention in _mentions(statement, name):
                if mention != name:  # imported under another name
                    if self._is_used(mention):
                        return True
                elif definition is None or self._runs(scope, definition):
                    return True
        return False

    def _dynamic_modules(self) -> frozenset[str]:
        """The modules in which code looks up names that are computed at run time."""
        if self._dynamic is None:
            found = (name for scope in self._scopes for name in self._looked_into(scope))
            self._dynamic = frozenset(found)
        return self._dynamic

    def _looked_into(self, scope: Scope) -> Iterator[str]:
        text = scope.file.text
        if any(word in text for word in _LOOKUPS):
            yield scope.file.module
        if "getattr(" not in text and "vars(" not in text and "__dict__" not in text:
            return
        lines = scope.file.lines_with(_LOOKUP)
        literal: set[ast.expr] = set()
        inner = (walk(one) for one in scope.file.tree.body if is_on(one, lines))
        for node in chain.from_iterable(inner):
            match node:
                case ast.Subscript(value=ast.Attribute() as table, slice=ast.Constant()):
                    literal.add(table)
                case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(), *_]):
                    continue
                case (
                    ast.Call(func=ast.Name(id="getattr" | "vars"), args=[looked, *_])
                    | ast.Attribute(attr="__dict__", value=looked)
                ) if node not in literal:
                    module = self._resolver.expression(scope, looked)
                    if isinstance(module, Module):
                        yield module.name


def _mentions(statement: ast.stmt, name: str) -> Iterator[str]:
    """The name once for each mention in a statement, and the names that imports bind it to."""
    if _is_export_list(statement):
        return
    for node in walk(statement):
        match node:
            case (
                ast.Name(id=found)
                | ast.Attribute(attr=found)
                | ast.Subscript(
                    value=ast.Attribute(attr="__dict__"), slice=ast.Constant(value=found)
                )
                | ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=found), *_])
            ) if found == name:
                yield name
            case ast.alias(name=found, asname=str(other)) if found == name and other != name:
                yield other


def _is_export_list(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets)


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno
