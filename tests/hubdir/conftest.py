"""What the tests of the hub dir start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A repo with one commit on ``main``."""
    files = {"hubconf.py": "dependencies = []\n", "net/__init__.py": "", "net/a.py": "A = 1\n"}
    commit_files(tmp_path / "work", files)
    return tmp_path / "work"


@pytest.fixture
def host(git_host: GitHost, worktree: Path) -> GitHost:
    """The git host with ``acme/shapes`` on it."""
    git_host.add_repo("acme", "shapes", worktree)
    return git_host
