"""Modules of the suite do not know one another in circles, not even for the sake of types."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest_hubkit

ROOT = Path(pytest_hubkit.__file__).parent


def read_imports(path: Path) -> set[str]:
    """Modules that a file imports anywhere, also under TYPE_CHECKING."""
    imports = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]  # fmt: skip
    return {str(node.module) for node in imports} | {
        f"{node.module}.{alias.name}" for node in imports for alias in node.names
    }


def test_modules_import_one_another_in_one_direction() -> None:
    modules = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in ROOT.rglob("*.py")
    }
    graph = {
        name: {one for one in read_imports(path) if one in modules and one != name}
        for name, path in modules.items()
    }
    # It raises a CycleError that names the circle.
    assert len([*TopologicalSorter(graph).static_order()]) == len(modules)
