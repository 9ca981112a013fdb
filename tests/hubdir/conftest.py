"""What the tests of the hub dir start from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import publish

if TYPE_CHECKING:
    from tests.git_host import GitHost


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo with one commit on ``main``, and what a host has of it, for all tests to copy."""
    root = tmp_path_factory.mktemp("made")
    files = {"hubconf.py": "dependencies = []\n", "net/__init__.py": "", "net/a.py": "A = 1\n"}
    commit_files(root / "work", files)
    publish(root / "work", root / "shapes.git")
    return root


@pytest.fixture
def worktree(tmp_path: Path, made: Path) -> Path:
    """A repo with one commit on ``main``."""
    return Path(shutil.copytree(made / "work", tmp_path / "work"))


@pytest.fixture
def host(git_host: GitHost, made: Path) -> GitHost:
    """The git host with ``acme/shapes`` on it."""
    shutil.copytree(made / "shapes.git", git_host.bare("acme", "shapes"))
    return git_host
