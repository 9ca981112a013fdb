"""What building a model imports besides what importing its module does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.branches import branches_of
from hubkit.analysis.nodes import walk
from hubkit.analysis.parameters import method_of
from hubkit.analysis.resolve import Defined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver

# Far more than building a model takes; a bound keeps hostile repos cheap.
_MAX_BODIES = 200
# Compound statements whose bodies run.
_CERTAIN = (ast.With, ast.Try)


def find_late_imports(resolver: Resolver, built: Defined) -> tuple[str, ...]:
    """Top-level modules from outside the repo that functions import while a model is built.

    Args:
        resolver: Looks names up.
        built: The function or class that is called.
    """
    pending: list[tuple[Defined, Defined | None]] = [(built, None)]
    seen: set[int] = set()
    found: dict[str, None] = {}
    while pending and len(seen) < _MAX_BODIES:
        one, owner = pending.pop()
        if id(one.node) in seen:
            continue
        seen.add(id(one.node))
        if isinstance(one.node, ast.ClassDef):
            method = method_of(resolver, one, "__init__")
            pending += [(Defined(*method), one)] if method else []
            continue
        for name in _imported(one.node.body):
            if resolver.tree.module(name) is None:
                found[name] = None
        pending += _called(resolver, one, owner)
    return tuple(found)


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Top-level modules that statements import whatever the arguments and the machine are."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            yield statement.module.partition(".")[0]
        branches = branches_of(statement) if isinstance(statement, _CERTAIN) else ()
        for branch in branches or ():
            if not branch.guarded:
                yield from _imported(branch.body)


def _called(
    resolver: Resolver, one: Defined, owner: Defined | None
) -> Iterator[tuple[Defined, Defined | None]]:
    assert not isinstance(one.node, ast.ClassDef)  # noqa: S101 - classes stand for their __init__
    scope = resolver.inside(one.scope, one.node).scope
    for node in walk(one.node):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if owner:
                method = method_of(resolver, owner, name)
                if method:
                    yield Defined(*method), owner
            case function:
                target = resolver.expression(scope, function)
                if isinstance(target, Defined):
                    yield target, None
