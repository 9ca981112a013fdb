"""The hubconf's ``dependencies`` variable."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.literals import NotLiteralError, read_elements
from hubkit.analysis.scope import Scope, read_scope
from hubkit.analysis.source_file import SourceFile, read_source
from hubkit.facts import Dependencies, Dependency
from hubkit.source.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

# torch.hub reads this variable (torch/hub.py, VAR_DEPENDENCY).
VARIABLE = "dependencies"


def read_dependencies(root: Path) -> tuple[str, ...] | None:
    """The import names that a repo's hubconf declares, read from ``hubconf.py`` alone.

    Args:
        root: The repo's root.

    Returns:
        The names in order; None when there is no hubconf that parses, it declares nothing, or
        source does not tell what it declares.
    """
    file = read_source(Folder(root), "hubconf.py", module="hubconf")
    if not isinstance(file, SourceFile):
        return None
    try:
        found = find_dependencies(read_scope(file))
    except RecursionError:
        return None
    return found.names if found is not None and found.entries is not None else None


def find_dependencies(scope: Scope) -> Dependencies | None:
    """The ``dependencies`` variable of a hubconf, or None when it has none."""
    binding = scope.bindings.get(VARIABLE)
    if binding is None:
        return None
    file = scope.file
    location = file.location(_assignment(file.tree, binding.node))
    try:
        elements = read_elements(scope, VARIABLE)
    except NotLiteralError as reason:
        place = location if reason.node is None else file.location(reason.node)
        if reason.what.startswith("an entry"):
            return Dependencies(None, reason.what, place)
        suffix = "" if reason.what == "made at run time" else ", not a list"
        return Dependencies(None, f"{reason.what}{suffix}", location)
    entries = tuple(Dependency(str(node.value), file.location(node)) for node in elements)
    return Dependencies(entries, "", location)


def _assignment(tree: ast.Module, target: ast.AST) -> ast.AST:
    """The whole statement of an assignment at the top level."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=targets) if target in targets:
                return statement
            case ast.AnnAssign(target=found) if found is target:
                return statement
    return target
