"""Places where a module makes names at run time, so that source does not tell them all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.branches import branches_of
from hubkit.analysis.nodes import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope

_NAMESPACES = frozenset({"globals", "locals", "vars"})
_WRITERS = frozenset({"update", "setdefault", "__setitem__"})


def find_openings(scope: Scope) -> list[ast.AST]:
    """The statements or calls of a module that bind names which source does not spell."""
    return list(_openings(scope.file.tree.body, namespaces=_NAMESPACES))


def _openings(body: Iterable[ast.stmt], *, namespaces: frozenset[str]) -> Iterator[ast.AST]:
    for statement in body:
        branches = branches_of(statement)
        if branches is not None:
            for branch in branches:
                if branch.runs_on_import:
                    yield from _openings(branch.body, namespaces=namespaces)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            # In a function only globals() is the module's namespace, and exec is its own affair.
            yield from _walk(statement, frozenset({"globals"}), executes=False)
        elif not isinstance(statement, ast.ClassDef):
            yield from _walk(statement, namespaces, executes=True)


def _walk(node: ast.AST, namespaces: frozenset[str], *, executes: bool) -> Iterator[ast.AST]:
    for part in walk(node):
        match part:
            case ast.Subscript(value=value, ctx=ast.Store()) if _is_namespace(value, namespaces):
                yield part
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if (
                method in _WRITERS and _is_namespace(value, namespaces)
            ):
                yield part
            case ast.AugAssign(target=target) if _is_namespace(target, namespaces):
                yield part
            case ast.Call(func=ast.Name(id="setattr"), args=[target, *_]) if _is_self(target):
                yield part
            case ast.Call(func=ast.Name(id="exec")) if executes:
                yield part


def _is_namespace(node: ast.expr, namespaces: frozenset[str]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[]) if name in namespaces:
            return True
        case ast.Call(func=ast.Name(id="vars"), args=[target]):
            return _is_self(target)
        case ast.Attribute(value=target, attr="__dict__"):
            return _is_self(target)
    return False


def _is_self(node: ast.expr) -> bool:
    """Whether an expression is the module itself: ``sys.modules[__name__]``."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")):
            return True
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Name(id="__name__")]):
            return True
    return False
