"""What only help and cards ask for: the weights of each entrypoint."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.checkpoints import find_checkpoints
from hubkit.analysis.data_files import find_named_files
from hubkit.analysis.effects import find_places
from hubkit.analysis.imports import find_reach
from hubkit.analysis.modules import SourceTree, read_search_path
from hubkit.analysis.nodes import walk
from hubkit.analysis.resolve import Defined, Resolver
from hubkit.analysis.scope import read_scope
from hubkit.analysis.source_file import SourceFile, read_source
from hubkit.facts import EntrypointWeights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.scope import Scope
    from hubkit.facts import CheckpointUse, Files, Hubconf


def read_weights(
    files: Files, hubconf: Hubconf, names: Iterable[str]
) -> dict[str, EntrypointWeights]:
    """The weights that calling entrypoints may load, by entrypoint.

    Calls are followed as far as source tells their targets, so there may be more. For files of the
    repo an entrypoint's own statements are looked at, and those of its module whose names they use.

    Args:
        files: The repo's files.
        hubconf: What they were read as.
        names: The entrypoints.
    """
    names = tuple(names)
    file = read_source(files, hubconf.path, module="hubconf")
    if not isinstance(file, SourceFile):
        return dict.fromkeys(names, EntrypointWeights())
    try:
        scope = read_scope(file)
        tree = SourceTree(files, read_search_path(scope, files))
        tree.add(scope)
        resolver = Resolver(tree)
        scopes = find_reach(scope, resolver, names).scopes
        uses = tuple(find_checkpoints(resolver, scopes))
        return {name: _find_weights(name, scope, resolver, uses, files) for name in names}
    except RecursionError:
        return dict.fromkeys(names, EntrypointWeights())


def _find_weights(
    name: str, hubconf: Scope, resolver: Resolver, uses: tuple[CheckpointUse, ...], files: Files
) -> EntrypointWeights:
    places = find_places(hubconf, resolver, name) if uses else frozenset()
    downloads = tuple(one for one in uses if one.location in places)
    target = resolver.name(hubconf, name)
    if not isinstance(target, Defined) or "__file__" not in target.scope.file.text:
        return EntrypointWeights(downloads)
    source = target.scope.file
    found = find_named_files(source, _statements(source.tree, target.node), files)
    return EntrypointWeights(downloads, tuple(dict.fromkeys(path for path, _ in found)))


def _statements(module: ast.Module, start: ast.AST) -> list[ast.AST]:
    """A statement, and those at the top of its module that its names lead to."""
    bound: dict[str, list[ast.AST]] = {}
    for statement in module.body:
        for name in _bound(statement):
            bound.setdefault(name, []).append(statement)
    reached, pending = [start], [start]
    while pending:
        for node in walk(pending.pop()):
            for other in bound.pop(node.id, ()) if isinstance(node, ast.Name) else ():
                if other is not start:
                    reached.append(other)
                    pending.append(other)
    return reached


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
