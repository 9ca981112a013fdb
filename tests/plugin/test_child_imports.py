"""Which files count as the repo's own, whose imports are watched."""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.child.imports import ImportWatch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environment", "root", "file", "is_watched"),
    [
        ("env", "repo", "repo/hubconf.py", True),
        ("net", "net-hub", "net-hub/hubconf.py", True),
        ("usr", "usr/src/app", "usr/src/app/hubconf.py", True),
        ("usr", "usr", "usr/hubconf.py", True),
        ("env", "env/lib/site-packages/repo", "env/lib/site-packages/repo/hubconf.py", True),
        ("env", "repo", "repo/site-packages-tools/a.py", True),
        ("repo/.venv", "repo", "repo/hubconf.py", True),
        ("repo/.venv", "repo", "repo/.venv-tools/a.py", True),
        ("repo/.venv", "repo", "repo/.venv/bin/a.py", False),
        ("env", "repo", "repo/vendored/site-packages/a.py", False),
        ("env", "repo", "repo-2/hubconf.py", False),
    ],
)
def test_imports_of_the_repos_files_are_seen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    root: str,
    file: str,
    is_watched: bool,
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / environment))
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    monkeypatch.setattr(importlib, "import_module", importlib.import_module)
    watch = ImportWatch(tmp_path / root, frozenset())
    watch.start()
    exec(compile("import pytest", str(tmp_path / file), "exec"), {})
    assert bool(watch.found) == is_watched
