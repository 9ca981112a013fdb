"""Loads from other hub repos in modules that are chosen by name at run time."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.imports import find_chosen
from hubkit.analysis.nodes import walk
from hubkit.analysis.resolve import External
from hubkit.analysis.strings import find_string
from hubkit.facts import Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.imports import Reach
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope


def find_chosen_scopes(
    resolver: Resolver, reach: Reach, packages: Iterable[str]
) -> tuple[Scope, ...]:
    """Modules that may load from other repos, and of which source does not tell which is imported.

    Args:
        resolver: Looks names up.
        reach: What the hubconf reaches without them.
        packages: The packages that hold them.
    """
    found = find_chosen(resolver, reach, packages)
    return tuple(scope for scope in found if "hub.load" in scope.file.text)


def find_chosen_loads(resolver: Resolver, scopes: Iterable[Scope]) -> Iterator[Use]:
    """Their calls of ``torch.hub.load``.

    Args:
        resolver: Looks names up.
        scopes: The modules.
    """
    for scope in scopes:
        yield from _loads(resolver, scope)


def _loads(resolver: Resolver, scope: Scope) -> Iterator[Use]:
    for node in walk(scope.file.tree):
        if not isinstance(node, ast.Call):
            continue
        target = resolver.expression(scope, node.func)
        if isinstance(target, External) and target.name == "torch.hub.load":
            arguments = tuple(find_string(resolver, scope, one) for one in node.args)
            keywords = tuple((one.arg or "**", ast.unparse(one.value)) for one in node.keywords)
            location = scope.file.location(node)
            yield Use(target.name, location, False, True, arguments, keywords)
