"""Packages import their modules when a name is first used."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

PACKAGES = ("hubkit", "hubkit.facts", "hubkit.analysis", "hubkit.source", "hubkit.rules.edits")


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_that_are_imported(package: str) -> None:
    module = importlib.import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    shown = {
        alias.name: node.module
        for node in guard.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(shown) == set(module.__all__) - {"__version__"}
    for name, home in shown.items():
        assert getattr(module, name) is getattr(importlib.import_module(str(home)), name)


def test_unknown_names_raise_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'hubkit\.facts' has no attribute 'Fact'"):
        importlib.import_module("hubkit.facts").Fact  # noqa: B018
