"""A hub dir that was filled here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost


@pytest.fixture
def worktree(git_host: GitHost, tmp_path: Path) -> Path:
    """The work tree of ``acme/shapes``, of which main and v1 are in the hub dir, with a checkpoint."""
    worktree = tmp_path / "work"
    commit_files(worktree, {"hubconf.py": "dependencies = []\n\ndef net():\n    return 1\n"})
    git("tag", "v1", cwd=worktree)
    git_host.add_repo("acme", "shapes", worktree)
    for text in ("acme/shapes:v1", "acme/shapes:main"):
        fetch_repo(parse_repo(text), FetchPolicy())
    url = git_host.add_file("/net.pt", b"weights")
    fetch_checkpoint(url, policy=FetchPolicy(), repo=parse_repo("acme/shapes"))
    return worktree


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def listed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("cache", "ls", "--json").stdout)
    return found
