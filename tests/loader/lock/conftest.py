"""A repo with a tag to lock, and the command that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from tests.git_host import GitHost


HUBCONF = """
dependencies = []


def version():
    return VERSION


def weights(url):
    from torch.hub import load_state_dict_from_url

    return load_state_dict_from_url(url)


def other():
    from torch.hub import load

    return load("acme/other", "version")


def net(pretrained=False):
    from torch.hub import load_state_dict_from_url

    return load_state_dict_from_url("URL")["w"].tolist()
"""


@pytest.fixture
def worktree(git_host: GitHost, tmp_path: Path) -> Path:
    """The work tree of ``acme/shapes``, tagged v1, with a checkpoint at a URL that source tells."""
    import torch

    torch.save({"w": torch.arange(3)}, tmp_path / "net.pt")
    url = git_host.add_file("/net.pt", tmp_path / "net.pt")
    release(git_host, tmp_path / "work", HUBCONF.replace("VERSION", "1").replace("URL", url), "v1")
    return tmp_path / "work"


def release(host: GitHost, worktree: Path, hubconf: str, tag: str) -> str:
    """Publish a hubconf as ``acme/shapes`` and have the tag lead to it."""
    sha = commit_files(worktree, {"hubconf.py": hubconf})
    git("tag", "--force", tag, cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    return sha


def lock(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lock", *arguments])


@pytest.fixture(autouse=True)
def trusted(hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not hub_dir.exists()
    monkeypatch.setenv("HUBKIT_TRUST", "acme/*")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


def open_lock() -> str:
    return Path("hubkit.lock").read_text(encoding="utf-8")
