"""Which modules of a repo are parts that others are built from."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.nodes import walk
from hubkit.analysis.resolve import Defined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope

Key = tuple[str, str]


def find_parts(resolver: Resolver, found: Iterable[Defined]) -> frozenset[Key]:
    """Those that a class of the others uses, or that a function hands on without calling it.

    Args:
        resolver: Looks names up.
        found: Functions and classes that give modules.

    Returns:
        Path and name of each.
    """
    found = tuple(found)
    names = frozenset(one.node.name for one in found)
    parts: set[Key] = set()
    for one in found:
        own = key_of(one)
        parts.update(key for key in _used(resolver, one, names) if key != own)
    return frozenset(parts)


def key_of(found: Defined) -> Key:
    """What tells a definition from all others of the repo."""
    return found.scope.file.path, found.node.name


def _used(resolver: Resolver, one: Defined, names: frozenset[str]) -> Iterator[Key]:
    for scope, nodes in _bodies(resolver, one):
        skipped = _mentions(nodes)
        if not isinstance(one.node, ast.ClassDef):
            skipped |= {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            name = _last_name(node)
            # Looking every name up takes long; an import may have renamed one that is used.
            if not name or id(node) in skipped:
                continue
            if name not in names and name not in one.scope.bindings:
                continue
            target = resolver.expression(scope, node)  # type: ignore[arg-type]
            if isinstance(target, Defined):
                yield key_of(target)


def _bodies(resolver: Resolver, one: Defined) -> Iterator[tuple[Scope, list[ast.AST]]]:
    """The code of a function, or of a class and its methods, each with the names in it."""
    if not isinstance(one.node, ast.ClassDef):
        yield resolver.inside(one.scope, one.node).scope, walk(one.node)
        return
    # What it derives from is no part of it.
    for statement in one.node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield resolver.inside(one.scope, statement).scope, walk(statement)
        else:
            yield one.scope, walk(statement)


def _mentions(nodes: Iterable[ast.AST]) -> set[int]:
    """Nodes that say what something is rather than build it: annotations, ``isinstance``."""
    found: set[int] = set()
    for node in nodes:
        match node:
            case ast.arg(annotation=ast.expr() as said) | ast.AnnAssign(annotation=said):
                found.update(id(inner) for inner in walk(said))
            case ast.FunctionDef(returns=ast.expr() as said):
                found.update(id(inner) for inner in walk(said))
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, said]):
                found.update(id(inner) for inner in walk(said))
    return found


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
