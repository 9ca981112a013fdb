"""Modules are imported when a name is first used, without collections of garbage."""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
from pathlib import Path

import pytest

from hubkit.lazy import import_late

ROOT = Path(importlib.import_module("hubkit").__path__[0])
PACKAGES = [
    ".".join(("hubkit", *path.relative_to(ROOT).parent.parts))
    for path in sorted(ROOT.rglob("__init__.py"))
    if "lazy_names(" in path.read_text("utf-8")
]


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


@pytest.mark.parametrize("ending", ["", "1 / 0"])
def test_late_imports_collect_no_garbage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(gc, "seen_by_test", seen, raising=False)
    name = f"late{len(ending)}"
    (tmp_path / f"{name}.py").write_text(
        f"import gc; gc.seen_by_test.append(gc.isenabled())\n{ending}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError) if ending else contextlib.nullcontext():
        import_late(name)
    assert seen == [False]
    assert gc.isenabled()


def test_late_imports_leave_a_disabled_collector_disabled() -> None:
    gc.disable()
    try:
        import_late("hubkit.limits")
        assert not gc.isenabled()
    finally:
        gc.enable()
