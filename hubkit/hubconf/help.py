"""What only help asks for: the downloads that one entrypoint may make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.hubconf.checkpoints import find_checkpoints
from hubkit.hubconf.imports import find_reach
from hubkit.hubconf.resolve import Resolver
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
