"""What is put off until it is needed."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from hubkit.lazy import pattern

PACKAGES = ("hubkit.facts", "hubkit.analysis", "hubkit.source", "hubkit.rules.edits")


@pytest.mark.parametrize("package", PACKAGES)
def test_what_type_checkers_see_is_what_is_imported(package: str) -> None:
    module = importlib.import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    shown = {
        alias.name: node.module
        for node in guard.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(shown) == set(module.__all__)
    for name, home in shown.items():
        assert getattr(module, name) is getattr(importlib.import_module(str(home)), name)


def test_a_name_that_a_package_lacks_is_refused_as_usual() -> None:
    with pytest.raises(AttributeError, match=r"module 'hubkit\.facts' has no attribute 'Fact'"):
        importlib.import_module("hubkit.facts").Fact  # noqa: B018


def test_a_pattern_is_what_re_makes_of_it() -> None:
    found = pattern("a(b)", 2)
    assert found.pattern == "a(b)"
    match = found.search("xAB")
    assert match is not None
    assert match.group(1) == "B"
    assert found.sub("-", "abAB") == "--"
