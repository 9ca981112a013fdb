"""What only help and cards ask for: the weights of one entrypoint."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.hubconf.checkpoints import find_checkpoints
from hubkit.hubconf.data_files import find_named_files
from hubkit.hubconf.imports import find_reach
from hubkit.hubconf.nodes import walk
from hubkit.hubconf.resolve import Defined, Resolver
from hubkit.hubconf.scope import read_scope
from hubkit.hubconf.source import SourceFile, read_source
from hubkit.hubconf.tree import SourceTree, read_search_path
from hubkit.hubconf.uses import find_places

if TYPE_CHECKING:
    from hubkit.facts import CheckpointUse, Files, Hubconf


def read_downloads(files: Files, hubconf: Hubconf, name: str) -> tuple[CheckpointUse, ...]:
    """Downloads of weights that calling one entrypoint may make.

    Calls are followed as far as source tells their targets, so there may be more.

    Args:
        files: The repo's files.
        hubconf: What they were read as.
        name: The entrypoint.
    """
    file = read_source(files, hubconf.path, module="hubconf")
    if not isinstance(file, SourceFile):
        return ()
    try:
        scope = read_scope(file)
        tree = SourceTree(files, read_search_path(scope, files))
        tree.add(scope)
        resolver = Resolver(tree)
        places = find_places(scope, resolver, name)
        scopes = find_reach(scope, resolver, [name]).scopes
        return tuple(one for one in find_checkpoints(resolver, scopes) if one.location in places)
    except RecursionError:
        return ()


def read_own_files(files: Files, hubconf: Hubconf, name: str) -> tuple[str, ...]:
    """Files of the repo that one entrypoint names by way of ``__file__``, weights among them.

    Its own statements are looked at, and those of its module whose names they use.

    Args:
        files: The repo's files.
        hubconf: What they were read as.
        name: The entrypoint.
    """
    file = read_source(files, hubconf.path, module="hubconf")
    if not isinstance(file, SourceFile):
        return ()
    try:
        scope = read_scope(file)
        tree = SourceTree(files, read_search_path(scope, files))
        tree.add(scope)
        target = Resolver(tree).name(scope, name)
        if not isinstance(target, Defined) or "__file__" not in target.scope.file.text:
            return ()
        source = target.scope.file
        found = find_named_files(source, _statements(source.tree, target.node), files)
        return tuple(dict.fromkeys(path for path, _ in found))
    except RecursionError:
        return ()


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
