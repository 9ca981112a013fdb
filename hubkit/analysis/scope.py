"""What the names of one module are bound to once it is imported."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from hubkit.analysis.branches import Branch, branches_of
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.source_file import SourceFile

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class ImportedModule:
    """``import a.b as c``: the name is a module."""

    module: str


@dataclass(frozen=True, slots=True)
class ImportedName:
    """``from a.b import c``: the name is a member of a module, or a submodule."""

    module: str
    name: str


Value: TypeAlias = FunctionNode | ast.ClassDef | ImportedModule | ImportedName | ast.expr | None


@dataclass(frozen=True, slots=True)
class Binding:
    """A name and what it is bound to.

    Attributes:
        name: The name.
        node: What binds it, for its place.
        value: What it is bound to; None when source does not tell.
    """

    name: str
    node: ast.AST
    value: Value


@dataclass(frozen=True, slots=True)
class Star:
    """``from module import *``."""

    module: str
    node: ast.ImportFrom


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one module.

    Attributes:
        file: The module's file.
        bindings: Its own names; a name bound twice is bound to what runs last, and to the first
            alternative of a ``try`` or an ``if``.
        stars: Its star imports, in order.
        docstrings: Texts assigned to ``name.__doc__``.
        outer: The scope around it, for a function's names; None for a module's.
    """

    file: SourceFile
    bindings: dict[str, Binding] = field(default_factory=dict)
    stars: list[Star] = field(default_factory=list)
    docstrings: dict[str, str] = field(default_factory=dict)
    outer: Scope | None = None

    def binding(self, name: str) -> Binding | None:
        """What a name is bound to here or in a scope around, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.outer
        return None

    def constant(self, name: str) -> ast.expr | None:
        """The expression that a name is assigned, or None."""
        binding = self.binding(name)
        value = binding.value if binding else None
        return value if isinstance(value, ast.expr) else None


def read_scope(file: SourceFile) -> Scope:
    """Collect what importing a module binds, without what runs only as a script."""
    scope = Scope(file)
    scope.bindings.update(_bindings(file.tree.body, scope))
    return scope


def absolute_module(file: SourceFile, node: ast.ImportFrom) -> str:
    """The absolute dotted name in a ``from`` import; "" for the repo's root."""
    if not node.level:
        return node.module or ""
    parts = file.module.split(".")
    drop = node.level - 1 if file.is_package else node.level
    base = parts[: max(len(parts) - drop, 0)]
    return ".".join([*base, node.module] if node.module else base)


def _bindings(statements: Iterable[ast.stmt], scope: Scope) -> dict[str, Binding]:
    bound: dict[str, Binding] = {}
    for statement in statements:
        alternatives = branches_of(statement)
        if alternatives is not None:
            bound.update(_merge(alternatives, scope))
        else:
            _bind(statement, scope, bound)
    return bound


def _merge(branches: Iterable[Branch], scope: Scope) -> dict[str, Binding]:
    """Join alternatives so that the first one that binds a name wins."""
    merged: dict[str, Binding] = {}
    for branch in branches:
        if branch.runs_on_import:
            bound = {
                target.id: Binding(target.id, target, None)
                for target in branch.targets
                if isinstance(target, ast.Name)
            }
            bound.update(_bindings(branch.body, scope))
            merged = {**bound, **merged} if branch.is_alternative else {**merged, **bound}
    return merged


def _bind(statement: ast.stmt, scope: Scope, bound: dict[str, Binding]) -> None:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            bound[statement.name] = Binding(statement.name, statement, statement)
        case ast.Import():
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                module = alias.name if alias.asname else name
                bound[name] = Binding(name, alias, ImportedModule(module))
        case ast.ImportFrom():
            _bind_from(statement, scope, bound)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(target, value, scope, bound)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _bind_target(target, value, scope, bound)
        case ast.AugAssign(target=ast.Name(id=name)):
            bound[name] = Binding(name, statement, None)
        case ast.Delete(targets=targets):
            _unbind(targets, bound)


def _unbind(targets: list[ast.expr], bound: dict[str, Binding]) -> None:
    for target in targets:
        if isinstance(target, ast.Name):
            bound.pop(target.id, None)


def _bind_from(node: ast.ImportFrom, scope: Scope, bound: dict[str, Binding]) -> None:
    module = absolute_module(scope.file, node)
    for alias in node.names:
        if alias.name == "*":
            scope.stars.append(Star(module, node))
            continue
        name = alias.asname or alias.name
        bound[name] = Binding(name, alias, ImportedName(module, alias.name))


def _bind_target(
    target: ast.expr, value: ast.expr | None, scope: Scope, bound: dict[str, Binding]
) -> None:
    match target, value:
        case ast.Name(id=name), _:
            bound[name] = Binding(name, target, value)
        case ast.Starred(value=inner), _:
            _bind_target(inner, None, scope, bound)
        case (
            (ast.Tuple(elts=names) | ast.List(elts=names)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ) if len(names) == len(values):
            for inner, part in zip(names, values, strict=True):
                _bind_target(inner, part, scope, bound)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), _):
            for inner in names:
                _bind_target(inner, None, scope, bound)
        case (
            ast.Attribute(value=ast.Name(id=name), attr="__doc__"),
            ast.Constant(value=str(text)),
        ):
            scope.docstrings[name] = text
