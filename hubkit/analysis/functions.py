"""The names inside a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.nodes import child_nodes, walk
from hubkit.analysis.scope import (
    Binding,
    FunctionNode,
    ImportedModule,
    ImportedName,
    Scope,
    absolute_module,
)
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Value

_BINDING = (
    *(ast.For, ast.AsyncFor, ast.AugAssign, ast.With, ast.AsyncWith),
    *(ast.ExceptHandler, ast.Delete),
)
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class FunctionScope:
    """A function's names over those of its module.

    Attributes:
        scope: The module's names, hidden by the function's. A name that is assigned once is bound
            to what it is assigned, any other local one to nothing known.
        assigned: Everything that each local variable is assigned, None where source does not tell.
        nodes: Every node of its body, without the insides of functions and classes in it.
    """

    scope: Scope
    assigned: dict[str, list[ast.expr | None]]
    nodes: tuple[ast.AST, ...] = ()


def module_scope(scope: Scope) -> FunctionScope:
    """The names at a module's top level, as if it were a function without names of its own."""
    return FunctionScope(scope, {})


def read_function_scope(scope: Scope, function: FunctionNode) -> FunctionScope:
    """Collect a function's names.

    Args:
        scope: The names of its module.
        function: Its definition.
    """
    assigned: dict[str, list[ast.expr | None]] = {name: [None] for name in _arguments(function)}
    bound: dict[str, Value] = {}
    nodes = tuple(own_nodes(function))
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound[node.name] = node
            case ast.Import() | ast.ImportFrom():
                bound.update(_imported(scope, node))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(target, value, assigned)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                assigned.setdefault(name, []).append(value)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                assigned.setdefault(name, []).append(value)
            case _:
                for name in _bound_otherwise(node):
                    assigned.setdefault(name, []).append(None)
    for name, values in assigned.items():
        bound[name] = values[0] if len(values) == 1 and name not in bound else None
    overlay = {name: Binding(name, function, value) for name, value in bound.items()}
    inner = Scope(scope.file, overlay, scope.stars, outer=scope)
    return FunctionScope(inner, assigned, nodes)


def own_nodes(function: FunctionNode) -> list[ast.AST]:
    """Every node of a function's body, without the insides of functions and classes in it."""
    pending: list[ast.AST] = list(reversed(function.body))
    found: list[ast.AST] = []
    while pending:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, _NESTED):
            pending += reversed(child_nodes(node))
    return found


def _arguments(function: FunctionNode) -> Iterator[str]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for extra in (arguments.vararg, arguments.kwarg):
        if extra:
            yield extra.arg


def _imported(scope: Scope, node: ast.Import | ast.ImportFrom) -> dict[str, Value]:
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: ImportedModule(
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            for alias in node.names
        }
    module = absolute_module(scope.file, node)
    return {
        alias.asname or alias.name: ImportedName(module, alias.name)
        for alias in node.names
        if alias.name != "*"
    }


def _assign(target: ast.expr, value: ast.expr, assigned: dict[str, list[ast.expr | None]]) -> None:
    if isinstance(target, ast.Name):
        assigned.setdefault(target.id, []).append(value)
        return
    for node in walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assigned.setdefault(node.id, []).append(None)


def _bound_otherwise(node: ast.AST) -> Iterable[str]:
    """Names that a node binds to something that cannot be told."""
    return _bound_by(node) if node.__class__ in _BINDING else ()


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.AugAssign(target=target):
            parts = [target]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            parts = [item.optional_vars for item in items if item.optional_vars]
        case ast.ExceptHandler(name=str(name)):
            yield name
            return
        case ast.Delete(targets=targets):
            parts = targets
        case _:
            return
    for part in parts:
        for inner in walk(part):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                yield inner.id
