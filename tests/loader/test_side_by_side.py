"""Repos from a host in one process: refs beside each other, and what their code asks for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit.errors import OfflineError, UntrustedRepoError
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

HUBCONF = """
dependencies = []
from models import Net
def net(): return Net()
"""
MODELS = """
import utils
class Net:
    def forward(self):
        from late import NAME
        return utils.NAME, NAME
"""


def publish(host: GitHost, folder: Path, name: str, said: str, **files: str) -> str:
    """Make a commit of ``own/<name>`` whose model says a word; its SHA."""
    code = {"utils.py": f"NAME = {said!r}", "late.py": f"NAME = {said!r}"}
    sha = commit_files(
        folder / name, {"hubconf.py": HUBCONF, "models/__init__.py": MODELS, **code, **files}
    )
    host.add_repo("own", name, folder / name)
    return sha


@pytest.fixture(autouse=True)
def _trusted(git_host: GitHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_host.url
    monkeypatch.setenv("HUBKIT_TRUST", "own/*")


def test_refs_and_repos_in_any_order_and_from_threads(git_host: GitHost, tmp_path: Path) -> None:
    publish(git_host, tmp_path, "a", "first")
    git("tag", "v1", cwd=tmp_path / "a")
    publish(git_host, tmp_path, "a", "second")
    publish(git_host, tmp_path, "b", "other")
    asked = {"own/a:v1": "first", "own/a": "second", "own/b": "other"}
    together = Barrier(8, timeout=120)

    def load(repo: str) -> bool:
        together.wait()
        return hubkit.load(repo, "net").forward() == (asked[repo],) * 2  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(load, islice(cycle(asked), 8)))
    nets = {repo: hubkit.load(repo, "net") for repo in (*asked, *reversed(asked))}
    assert {repo: net.forward() for repo, net in nets.items()} == {
        repo: (said, said) for repo, said in asked.items()
    }
    assert type(nets["own/a"]) is type(hubkit.load("own/a", "net"))
    assert len({type(net) for net in nets.values()}) == 3


def test_fetched_afresh_the_new_code_runs_and_the_old_lives_on(
    git_host: GitHost, tmp_path: Path
) -> None:
    publish(git_host, tmp_path, "a", "old")
    old = hubkit.load("own/a", "net")
    publish(git_host, tmp_path, "a", "new")
    assert type(hubkit.load("own/a", "net")) is type(old)
    new = hubkit.load("own/a", "net", force_reload=True)
    assert (old.forward(), new.forward()) == (("old", "old"), ("new", "new"))
    assert type(hubkit.load("own/a", "net")) is type(new)


CALLS = """
dependencies = []
import os
import torch
from torch.hub import get_dir, load, load_state_dict_from_url
from models import Net
def other(**how): return load("own/b", "net", **how).forward()
def stranger(): return load("else/c", "net")
def weights(url): return load_state_dict_from_url(url, progress=False)["w"].tolist()
def file(url, to): torch.hub.download_url_to_file(url, to, progress=False)
def where():
    there = os.listdir(os.path.join(get_dir(), "own_a_master"))
    return sorted(name for name in there if name != "__pycache__")
"""


@pytest.fixture
def url(git_host: GitHost, tmp_path: Path) -> str:
    """Of a checkpoint on the host."""
    import torch

    torch.save({"w": torch.arange(2)}, tmp_path / "w.pt")
    return git_host.add_file("/w.pt", tmp_path / "w.pt")


@pytest.fixture
def _calling(git_host: GitHost, tmp_path: Path) -> None:
    publish(git_host, tmp_path, "a", "a", **{"hubconf.py": CALLS})
    git("branch", "-m", "master", cwd=tmp_path / "a")
    git_host.add_repo("own", "a", tmp_path / "a")
    publish(git_host, tmp_path, "b", "b")


@pytest.mark.torch
@pytest.mark.usefixtures("_calling")
def test_what_a_repo_asks_torch_hub_for_comes_through_hubkit(
    git_host: GitHost, hub_dir: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def loads() -> list[object]:
        return [
            hubkit.load("own/a", "other"),
            hubkit.load("own/a", "weights", url),
            hubkit.load("own/a", "where"),
        ]

    cold = loads()
    assert cold[:2] == [("b", "b"), [0, 1]]
    assert cold[2] == [".hubkit-copy.json", "hubconf.py", "late.py", "models", "utils.py"]
    assert (hub_dir / "checkpoints" / "w.pt").is_file()
    hubkit.load("own/a", "file", url, str(tmp_path / "copy.pt"))
    assert (tmp_path / "copy.pt").read_bytes() == (tmp_path / "w.pt").read_bytes()
    asked = len(git_host.requests)
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert loads() == cold
    with pytest.raises(OfflineError, match="other"):
        hubkit.load("own/a", "weights", f"{url}-other.pt")
    assert len(git_host.requests) == asked
    assert torch.hub.get_dir() == str(hub_dir)


@pytest.mark.torch
@pytest.mark.usefixtures("_calling")
def test_what_a_repo_downloads_is_fetched_afresh_with_it(
    git_host: GitHost, tmp_path: Path, url: str
) -> None:
    import torch

    assert hubkit.load("own/a", "weights", url) == [0, 1]
    torch.save({"w": torch.arange(3)}, tmp_path / "w.pt")
    git_host.add_file("/w.pt", tmp_path / "w.pt")
    assert hubkit.load("own/a", "weights", url) == [0, 1]
    assert hubkit.load("own/a", "weights", url, force_reload=True) == [0, 1, 2]


@pytest.mark.torch
@pytest.mark.usefixtures("_calling")
def test_a_repo_that_a_repo_loads_has_to_be_trusted(git_host: GitHost, tmp_path: Path) -> None:
    publish(git_host, tmp_path, "c", "c")
    git_host.add_repo("else", "c", tmp_path / "c")
    with pytest.raises(UntrustedRepoError, match="else/c"):
        hubkit.load("own/a", "stranger")


def test_a_tree_that_is_replaced_in_the_hub_dir_is_run_anew(
    git_host: GitHost, tmp_path: Path
) -> None:
    """A fetch afresh mends a tree that somebody edited; the new files are the ones that run."""
    publish(git_host, tmp_path, "a", "right")
    root = hubkit.loader.locate_repo("own/a")
    (root / "utils.py").chmod(0o644)
    (root / "utils.py").write_text("NAME = 'edited'")
    assert hubkit.load("own/a", "net").forward() == ("edited", "right")
    mended = hubkit.load("own/a", "net", force_reload=True)
    assert mended.forward() == ("right", "right")
    assert type(hubkit.load("own/a", "net")) is type(mended)
