"""What torch.hub's documentation promises of refs, commits, copies and the hub dir, asserted of both by the same lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from tests.git_host import commit_files, git
from tests.loader.compatibility.conftest import HUBCONF, at_terminal, checkpoint, load, save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.torch


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
    for ref in (sha, sha[:7]):
        with pytest.raises(ValueError, match="If it's a commit from a forked repo"):
            load(hub, f"acme/shapes:{ref}")
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
