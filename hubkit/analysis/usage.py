"""Which of a module's own names its code uses."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.branches import branches_of
from hubkit.analysis.nodes import child_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import FunctionNode

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def names_used(tree: ast.Module) -> frozenset[str]:
    """Global names that code at the top level or in functions and classes reads.

    What a function reads of itself does not count, nor what runs only as a script.
    """
    used: set[str] = set()
    for statement in _statements(tree.body):
        names = set(_names(statement, frozenset()))
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.discard(statement.name)
        used |= names
    return frozenset(used)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        branches = branches_of(statement)
        if branches is None:
            yield statement
            continue
        for child in child_nodes(statement):
            if isinstance(child, ast.expr | ast.withitem):
                yield child
        for branch in branches:
            if branch.runs_on_import:
                yield from _statements(branch.body)


def _names(node: ast.AST, hidden: frozenset[str]) -> Iterator[str]:
    """Names read in a node, less those that enclosing functions have as their own."""
    pending = [(node, hidden)]
    while pending:
        current, local = pending.pop()
        if isinstance(current, ast.Name):
            if isinstance(current.ctx, ast.Load) and current.id not in local:
                yield current.id
            continue
        if isinstance(current, _FUNCTIONS):
            outside, inside = _split(current)
            pending += [(child, local) for child in outside]
            own = local | _local_names(current)
            pending += [(child, own) for child in inside]
            continue
        pending += [(child, local) for child in child_nodes(current)]


def _split(node: FunctionNode | ast.Lambda) -> tuple[list[ast.AST], list[ast.AST]]:
    """A function's parts that run outside it (decorators, defaults, annotations) and inside."""
    if isinstance(node, ast.Lambda):
        return [node.args], [node.body]
    outside: list[ast.AST] = [*node.decorator_list, node.args]
    if node.returns:
        outside.append(node.returns)
    return outside, list(node.body)


def _local_names(node: FunctionNode | ast.Lambda) -> frozenset[str]:
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    listed += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    names = {argument.arg for argument in listed}
    shared: set[str] = set()
    if isinstance(node, ast.Lambda):
        return frozenset(names)
    pending: list[ast.AST] = list(node.body)
    while pending:
        current = pending.pop()
        match current:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.Global(names=globals_):
                shared.update(globals_)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(current.name)
                continue
            case ast.Lambda():
                continue
        pending += child_nodes(current)
    return frozenset(names - shared)
