"""One fixture that is ``torch.hub`` and then ``hubkit``, and a repo to load with it."""

from __future__ import annotations

import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.git_host import GitHost

HUBCONF = '''
dependencies = ["json"]

from acme_parts.net import VERSION as _version


def net(width=1, *, pretrained=False, **more):
    """A net of some width."""
    return _version, width, pretrained, more


def weights(url, **options):
    """Weights from somewhere."""
    from torch.hub import load_state_dict_from_url

    return load_state_dict_from_url(url, progress=False, **options)["w"].tolist()
'''


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A repo with ``main``, ``feature/x``, and the tags ``v1`` and ``both``, which a branch is too."""
    folder = tmp_path / "work"
    save(folder, "one")
    git("tag", "v1", cwd=folder)
    git("tag", "both", cwd=folder)
    for branch in ("feature/x", "both"):
        git("checkout", "--quiet", "-b", branch, "main", cwd=folder)
        save(folder, branch)
    git("checkout", "--quiet", "main", cwd=folder)
    save(folder, "two")
    return folder


def save(folder: Path, version: str) -> str:
    files = {"hubconf.py": HUBCONF, "acme_parts/__init__.py": ""}
    return commit_files(folder, {**files, "acme_parts/net.py": f"VERSION = {version!r}\n"})


@pytest.fixture
def host(git_host: GitHost, worktree: Path) -> GitHost:
    git_host.add_repo("acme", "shapes", worktree)
    return git_host


@pytest.fixture(params=["torch.hub", "hubkit"])
def hub(
    request: pytest.FixtureRequest, git_host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """One of the two, with the loopback host in GitHub's place and no memory of other tests.

    "installed" is torch.hub, redirected to hubkit.
    """
    import torch.hub

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    if request.param == "installed":
        hubkit.install_as_torch_hub()
        yield torch.hub
        hubkit.uninstall_as_torch_hub()
        return

    def there(url: str) -> str:
        url = url.replace("https://api.github.com/", f"{git_host.url}/api/")
        return url.replace("https://github.com/", f"{git_host.url}/")

    def urlopen(what: Any) -> Any:
        if isinstance(what, str):
            return urllib.request.urlopen(there(what))
        return urllib.request.urlopen(urllib.request.Request(there(what.full_url)))

    monkeypatch.setattr(torch.hub, "urlopen", urlopen)
    before = set(sys.modules)
    yield torch.hub if request.param == "torch.hub" else hubkit
    for name in set(sys.modules) - before:
        if name.startswith(("acme_parts", "hubconf")):
            del sys.modules[name]


class Terminal:
    """Somebody who answers, or, without an answer, whom nobody may ask."""

    def __init__(self, answer: str | None = None) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        assert self.answer is not None, "asked"
        return f"{self.answer}\n"


def at_terminal(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def trusted(hub_dir: Path) -> list[str]:
    path = hub_dir / "trusted_list"
    return path.read_text().splitlines() if path.exists() else []


def checkpoint(host: GitHost, path: Path, content: Any = None) -> str:
    """Publish a checkpoint; gives its URL."""
    import torch

    torch.save({"w": torch.arange(3)} if content is None else content, path)
    return host.add_file(f"/files/{path.name}", path)


def load(hub: Any, repo: str, *arguments: Any, **options: Any) -> Any:
    return hub.load(repo, "net", *arguments, trust_repo=True, verbose=False, **options)
