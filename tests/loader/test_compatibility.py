"""What torch.hub's documentation promises, asserted of torch.hub and of hubkit by the same lines."""

from __future__ import annotations

import hashlib
import sys
import urllib.request
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.git_host import GitHost

pytestmark = pytest.mark.torch

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
    """One of the two, with the loopback host in GitHub's place and no memory of other tests."""
    import torch.hub

    def there(url: str) -> str:
        url = url.replace("https://api.github.com/", f"{git_host.url}/api/")
        return url.replace("https://github.com/", f"{git_host.url}/")

    def urlopen(what: Any) -> Any:
        if isinstance(what, str):
            return urllib.request.urlopen(there(what))
        return urllib.request.urlopen(urllib.request.Request(there(what.full_url)))

    monkeypatch.setattr(torch.hub, "urlopen", urlopen)
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
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


@pytest.mark.usefixtures("host")
def test_the_documented_calls(hub: Any) -> None:
    assert hub.list("acme/shapes:main", trust_repo=True, force_reload=True) == ["net", "weights"]
    assert hub.help("acme/shapes:main", "net") == "A net of some width."
    assert hub.load("acme/shapes:main", "net") == ("two", 1, False, {})
    assert load(hub, "acme/shapes:main", 2, pretrained=True, x=3) == ("two", 2, True, {"x": 3})


@pytest.mark.usefixtures("git_host")
def test_a_folder_is_loaded_where_it_is(hub: Any, worktree: Path, hub_dir: Path) -> None:
    assert hub.load(str(worktree), "net", source="local") == ("two", 1, False, {})
    assert hub.load(str(worktree), "net", 4, source="LOCAL")[1] == 4
    assert not (hub_dir / "trusted_list").exists()


@pytest.mark.parametrize("branch", ["main", "master"])
def test_without_a_ref_it_is_the_default_branch(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path, branch: str
) -> None:
    commit_files(tmp_path / "new", {"hubconf.py": "def net():\n    return 1\n"}, branch=branch)
    git_host.add_repo("acme", "new", tmp_path / "new")
    assert load(hub, "acme/new") == 1
    assert (hub_dir / f"acme_new_{branch}" / "hubconf.py").is_file()


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    ("ref", "version", "folder"),
    [("v1", "one", "v1"), ("feature/x", "feature/x", "feature_x"), ("main", "two", "main")],
)
def test_a_ref_is_a_branch_or_a_tag(
    hub: Any, hub_dir: Path, ref: str, version: str, folder: str
) -> None:
    assert load(hub, f"acme/shapes:{ref}")[0] == version
    assert (hub_dir / f"acme_shapes_{folder}" / "acme_parts" / "net.py").is_file()


@pytest.mark.usefixtures("host")
def test_a_branch_wins_over_a_tag_of_its_name_with_a_warning(hub: Any) -> None:
    with pytest.warns(UserWarning, match="both a"):
        assert load(hub, "acme/shapes:both")[0] == "both"


def test_a_commit_of_the_repo_is_loaded(hub: Any, host: GitHost, worktree: Path) -> None:
    sha = git("rev-parse", "v1", cwd=worktree)
    assert load(hub, f"acme/shapes:{sha}")[0] == "one"
    assert host.requests


def test_a_commit_of_a_fork_is_refused_unless_validation_is_skipped(
    hub: Any, host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    git("checkout", "--quiet", "--detach", cwd=worktree)
    save(worktree, "forked")
    sha = host.add_fork("acme", "shapes", worktree)
    with pytest.raises(ValueError, match="fork"):
        load(hub, f"acme/shapes:{sha}")
    assert not (hub_dir / f"acme_shapes_{sha}").exists()
    assert load(hub, f"acme/shapes:{sha}", skip_validation=True)[0] == "forked"


@pytest.mark.usefixtures("host")
def test_a_ref_that_is_not_there_is_a_value_error(hub: Any, hub_dir: Path) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        load(hub, "acme/shapes:nowhere")
    assert not (hub_dir / "acme_shapes_nowhere").exists()


@pytest.mark.usefixtures("host")
def test_what_cannot_be_loaded_is_said_by_the_same_kinds_of_error(hub: Any, worktree: Path) -> None:
    with pytest.raises(RuntimeError, match="nett"):
        hub.load(str(worktree), "nett", source="local")
    with pytest.raises(ValueError, match="gitlab"):
        hub.load("acme/shapes", "net", source="gitlab")
    with pytest.raises(ValueError, match="string"):
        hub.load(str(worktree), 3, source="local")
    (worktree / "hubconf.py").write_text("dependencies = ['no_such_module_here']\n")
    with pytest.raises(RuntimeError, match="no_such_module_here"):
        hub.load(str(worktree), "net", source="local")
    with pytest.raises(FileNotFoundError):
        hub.load(str(worktree / "acme_parts"), "net", source="local")


@pytest.mark.usefixtures("host")
def test_trust_that_is_given_is_kept(
    hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch, None)
    load(hub, "acme/shapes:v1")
    assert "acme_shapes" in trusted(hub_dir)
    before = trusted(hub_dir)
    hub.load("acme/shapes:main", "net")
    assert trusted(hub_dir) == before


@pytest.mark.usefixtures("host")
def test_who_says_yes_is_not_asked_again(
    hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch, "y")
    assert hub.load("acme/shapes:main", "net")[0] == "two"
    assert "acme_shapes" in trusted(hub_dir)
    at_terminal(monkeypatch, None)
    assert hub.load("acme/shapes:main", "net")[0] == "two"


@pytest.mark.parametrize("answer", ["n", ""])
def test_who_says_no_runs_and_keeps_nothing(
    hub: Any, host: GitHost, hub_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    at_terminal(monkeypatch, answer)
    with pytest.raises(Exception, match="trusted"):
        hub.load("acme/shapes:main", "net")
    assert trusted(hub_dir) == []
    assert not host.paths("zip")


@pytest.mark.usefixtures("host")
def test_trust_repo_false_asks_each_time(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load(hub, "acme/shapes:main")
    at_terminal(monkeypatch, "n")
    with pytest.raises(Exception, match="trusted"):
        hub.load("acme/shapes:main", "net", trust_repo=False)
    at_terminal(monkeypatch, "yes")
    assert hub.load("acme/shapes:main", "net", trust_repo=False)[0] == "two"


def test_torchs_own_owners_need_no_trust(
    hub: Any, git_host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_host.add_repo("pytorch", "vision", worktree)
    at_terminal(monkeypatch, None)
    assert hub.load("pytorch/vision:main", "net")[0] == "two"


def test_a_copy_is_used_until_a_reload_is_forced(
    hub: Any, host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    assert load(hub, "acme/shapes:main")[0] == "two"
    (worktree / "hubconf.py").write_text(HUBCONF.replace("return _version", "return 'three'"))
    commit_files(worktree, {})
    host.add_repo("acme", "shapes", worktree)
    host.forget_requests()
    assert load(hub, "acme/shapes:main")[0] == "two"
    assert host.requests == []
    assert load(hub, "acme/shapes:main", force_reload=True)[0] == "three"
    assert "three" in (hub_dir / "acme_shapes_main" / "hubconf.py").read_text()


def test_a_folder_that_is_there_is_used_without_a_request(
    hub: Any, git_host: GitHost, hub_dir: Path
) -> None:
    folder = hub_dir / "acme_own_main"
    folder.mkdir(parents=True)
    (folder / "hubconf.py").write_text("def net():\n    return 'mine'\n")
    assert load(hub, "acme/own:main") == "mine"
    assert git_host.requests == []


def test_the_hub_dir_follows_the_environment_and_set_dir(
    hub: Any, hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub.get_dir() == str(hub_dir)
    monkeypatch.delenv("TORCH_HOME")
    assert hub.get_dir() == str(tmp_path / "home" / ".cache" / "torch" / "hub")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert hub.get_dir() == str(tmp_path / "xdg" / "torch" / "hub")
    hub.set_dir("~/mine")
    assert hub.get_dir() == str(tmp_path / "home" / "mine")
    monkeypatch.setattr("hubkit.hubdir.layout._hub_dir", None)


def test_weights_are_kept_in_checkpoints_and_fetched_once(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    for _ in range(2):
        state = hub.load_state_dict_from_url(f"{url}?raw=true", map_location="cpu", progress=False)
        assert state["w"].tolist() == [0, 1, 2]
    assert len(git_host.requests) == 1
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


def test_model_dir_and_file_name_say_where(hub: Any, git_host: GitHost, tmp_path: Path) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    folder = tmp_path / "some" / "where"
    hub.load_state_dict_from_url(url, str(folder), progress=False, file_name="other.pt")
    assert [path.name for path in folder.iterdir()] == ["other.pt"]


def test_weights_that_are_there_are_used_without_a_request(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    (hub_dir / "checkpoints").mkdir(parents=True)
    (tmp_path / "net.pt").rename(hub_dir / "checkpoints" / "net.pt")
    assert hub.load_state_dict_from_url(url, progress=False)["w"].tolist() == [0, 1, 2]
    assert git_host.requests == []


@pytest.mark.parametrize("wrong", [False, True])
def test_check_hash_compares_what_the_name_says(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path, wrong: bool
) -> None:
    checkpoint(git_host, tmp_path / "net.pt")
    said = "0" * 8 if wrong else hashlib.sha256((tmp_path / "net.pt").read_bytes()).hexdigest()[:8]
    url = git_host.add_file(f"/net-{said}.pt", tmp_path / "net.pt")
    if not wrong:
        assert hub.load_state_dict_from_url(url, progress=False, check_hash=True)
        return
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.load_state_dict_from_url(url, progress=False, check_hash=True)
    assert list((hub_dir / "checkpoints").iterdir()) == []


@pytest.mark.parametrize("packed", [False, True], ids=["old", "old in a zip"])
def test_the_formats_of_old_are_read(
    hub: Any, git_host: GitHost, tmp_path: Path, packed: bool
) -> None:
    import torch

    path = tmp_path / "old.pth"
    torch.save({"w": torch.arange(3)}, path, _use_new_zipfile_serialization=False)
    if packed:
        with zipfile.ZipFile(tmp_path / "packed.pth", "w") as archive:
            archive.write(path, "inner.pth")
        path = tmp_path / "packed.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch.hub's own, about such zips
        state = hub.load_state_dict_from_url(git_host.add_file("/w.pth", path), progress=False)
    assert state["w"].tolist() == [0, 1, 2]


@pytest.mark.usefixtures("host")
def test_an_entrypoint_gets_its_weights_with_torch_hubs_defaults(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    import torch

    # An object of a class: more than weights, which code written for torch.hub may ask for.
    url = checkpoint(git_host, tmp_path / "net.pt", {"w": torch.arange(3), "at": Path("x")})
    options: dict[str, Any] = {"trust_repo": True, "verbose": False}
    assert hub.load("acme/shapes:main", "weights", url, **options) == [0, 1, 2]
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


def test_a_download_replaces_a_file_only_by_what_its_hash_says(
    hub: Any, git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", b"new")
    target = tmp_path / "to" / "net.pt"
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(url, str(target), "0" * 8, progress=False)
    assert target.read_text() == "old"
    hub.download_url_to_file(url, str(target), hashlib.sha256(b"new").hexdigest(), progress=False)
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["net.pt"]


@pytest.mark.usefixtures("host")
def test_what_one_has_fetched_the_other_uses(
    hub: Any, git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.hub

    other = torch.hub if hub is hubkit else hubkit
    at_terminal(monkeypatch, None)
    url = checkpoint(git_host, tmp_path / "net.pt")
    load(hub, "acme/shapes:feature/x")
    hub.load_state_dict_from_url(url, progress=False)
    git_host.forget_requests()
    assert other.load("acme/shapes:feature/x", "net")[0] == "feature/x"
    assert other.load_state_dict_from_url(url, progress=False)["w"].tolist() == [0, 1, 2]
    assert git_host.requests == []
