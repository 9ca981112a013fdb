"""A folder in the working directory whose name could be that of a repo on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit.errors import RepoNotFoundError
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost


@pytest.fixture
def folder(git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``own/rep`` in the working directory, whose code nobody has trusted."""
    assert not git_host.requests
    found = tmp_path / "here" / "own" / "rep"
    found.mkdir(parents=True)
    (found / "hubconf.py").write_text("def which():\n    return 'folder'\n")
    monkeypatch.chdir(tmp_path / "here")
    return found


def test_it_does_not_come_before_the_repo(folder: Path, git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": "def which():\n    return 'host'\n"})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    assert hubkit.load("own/rep", "which", trust_repo=True) == "host"
    for spelling in ("./own/rep", folder):
        assert hubkit.load(spelling, "which") == "folder"
    assert hubkit.load("own/rep", "which", source="local") == "folder"


def test_where_there_is_no_such_repo_the_error_says_how_to_mean_it(folder: Path) -> None:
    assert folder.is_dir()
    with pytest.raises(RepoNotFoundError) as caught:
        hubkit.load("own/rep", "which", trust_repo=True)
    assert 'source="local"' in caught.value.hint
