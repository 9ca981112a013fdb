"""torch.hub's folders of repos that hubkit fetched: real ones, which torch.hub and people may change."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from hubkit.facts import FetchPolicy
from hubkit.hubdir import (
    ensure_folder,
    fetch_repo,
    find_cached,
    parse_repo,
    read_inventory,
    remove_tree,
)
from hubkit.hubdir.layout import folder_record
from hubkit.hubdir.manifest import compare_tree
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import CachedRepo
    from tests.git_host import GitHost

ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)
CHECK = FetchPolicy(max_age=0)


@pytest.fixture
def folder(host: GitHost, hub_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder of a trusted repo that hubkit has fetched."""
    monkeypatch.setenv("HUBKIT_TRUST", "*")
    load()
    host.forget_requests()
    return hub_dir / "acme_shapes_main"


def load(policy: FetchPolicy = ASK, text: str = "acme/shapes:main") -> CachedRepo:
    """What a load of a trusted repo does in the hub dir."""
    cached = fetch_repo(parse_repo(text), policy)
    ensure_folder(cached)
    return cached


def push(host: GitHost, worktree: Path, text: str) -> str:
    sha = commit_files(worktree, {"net/a.py": text})
    host.add_repo("acme", "shapes", worktree)
    return sha


def test_a_folder_has_files_of_its_own(host: GitHost, worktree: Path, hub_dir: Path) -> None:
    (worktree / "large.bin").write_bytes(os.urandom(3 << 20))
    (worktree / "run.sh").write_text("#!/bin/sh\n")
    (worktree / "run.sh").chmod(0o755)
    (worktree / "empty").touch()
    (worktree / "alias").symlink_to("net")
    commit_files(worktree, {})
    git("branch", "feature/x", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    tree = load(text="acme/shapes:feature/x").path
    folder = hub_dir / "acme_shapes_feature_x"
    assert not folder.is_symlink()
    assert [one.path for one in compare_tree(tree, folder)] == [".hubkit-copy.json"]
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert path.stat().st_nlink == 1
            with path.open("ab") as file:
                file.write(b"# edited in place\n")
    assert compare_tree(tree) == ()


@pytest.mark.parametrize("moved", [False, True])
def test_a_folder_that_was_removed_means_that_the_ref_is_checked(
    host: GitHost, worktree: Path, folder: Path, moved: bool
) -> None:
    sha = push(host, worktree, "A = 2\n") if moved else git("rev-parse", "HEAD", cwd=worktree)
    shutil.rmtree(folder)
    assert load().sha == sha
    assert len(host.paths("info/refs")) == 1
    assert (folder / "net" / "a.py").read_text() == f"A = {2 if moved else 1}\n"
    host.forget_requests()
    assert load().sha == sha
    assert host.requests == []


@pytest.mark.parametrize("moved", [False, True])
def test_a_folder_that_was_replaced_means_that_the_ref_is_checked(
    host: GitHost, worktree: Path, folder: Path, moved: bool
) -> None:
    sha = push(host, worktree, "A = 2\n") if moved else git("rev-parse", "HEAD", cwd=worktree)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "hubconf.py").write_text("torchs = 1\n")
    assert load().sha == sha
    assert len(host.paths("info/refs")) == 1
    assert [path.name for path in folder.iterdir()] == ["hubconf.py"]
    host.forget_requests()
    assert load().sha == sha
    assert host.requests == []
    assert load(AFRESH).sha == sha
    assert (folder / "net" / "a.py").is_file()


@pytest.mark.parametrize("replaced", [False, True])
def test_without_a_network_a_removed_folder_comes_back(
    host: GitHost, folder: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    shutil.rmtree(folder)
    if replaced:
        folder.mkdir()
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert load().sha
    monkeypatch.delenv("HUBKIT_OFFLINE")
    assert load().sha
    assert host.requests == []
    assert (folder / "hubconf.py").exists() != replaced


def test_the_folder_of_a_commit_comes_back_without_a_request(
    host: GitHost, worktree: Path, hub_dir: Path, folder: Path
) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    load(text=f"acme/shapes:{sha}")
    host.forget_requests()
    shutil.rmtree(hub_dir / f"acme_shapes_{sha}")
    load(text=f"acme/shapes:{sha}")
    assert (hub_dir / f"acme_shapes_{sha}" / "hubconf.py").is_file()
    assert host.requests == []
    assert folder.is_dir()


def test_a_folder_follows_its_branch_unless_it_was_edited(
    host: GitHost, worktree: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    push(host, worktree, "A = 2\n")
    load(CHECK)
    assert (folder / "net" / "a.py").read_text() == "A = 2\n"
    (folder / "net" / "a.py").write_text("A = 'mine'\n")
    push(host, worktree, "A = 3\n")
    assert (load(CHECK).path / "net" / "a.py").read_text() == "A = 3\n"
    assert (folder / "net" / "a.py").read_text() == "A = 'mine'\n"
    assert f"{folder} was edited" in caplog.text
    load(AFRESH)
    assert (folder / "net" / "a.py").read_text() == "A = 3\n"


def test_a_fresh_fetch_replaces_an_edited_folder_and_leaves_a_sound_one(folder: Path) -> None:
    inode = folder.stat().st_ino
    load(AFRESH)
    assert folder.stat().st_ino == inode
    (folder / "net" / "a.py").write_text("A = 'mine'\n")
    load(AFRESH)
    assert (folder / "net" / "a.py").read_text() == "A = 1\n"


def test_a_link_of_an_older_version_becomes_a_folder(host: GitHost, folder: Path) -> None:
    tree = load().path
    shutil.rmtree(folder)
    folder.symlink_to(tree.relative_to(folder.parent), target_is_directory=True)
    assert load().path == tree
    assert host.requests == []
    assert not folder.is_symlink()
    assert compare_tree(tree) == ()
    assert (folder / "hubconf.py").is_file()


@pytest.mark.parametrize("policy", [ASK, CHECK, AFRESH], ids=["ask", "check", "afresh"])
def test_a_link_of_the_users_stays(folder: Path, tmp_path: Path, policy: FetchPolicy) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hubconf.py").write_text("mine = 1\n")
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path / "mine")
    load(policy)
    assert folder.is_symlink()
    assert (tmp_path / "mine" / "hubconf.py").read_text() == "mine = 1\n"


def test_a_copy_that_was_renamed_is_the_users(host: GitHost, folder: Path) -> None:
    mine = folder.with_name("acme_shapes_mine")
    folder.rename(mine)
    cached = find_cached(parse_repo("acme/shapes:mine"))
    assert cached
    assert (cached.path, host.requests) == (mine, [])
    assert load().sha
    assert (folder / "hubconf.py").is_file()


@pytest.mark.parametrize("edited", [False, True])
def test_a_removed_tree_takes_its_folder_along_and_edits_are_kept(
    folder: Path, edited: bool
) -> None:
    if edited:
        (folder / "hubconf.py").write_text("mine = 1\n")
    (kept,) = (tree for tree in read_inventory().trees if tree.repo)
    remove_tree(kept)
    assert not folder.exists()
    assert not folder_record(folder).exists()
    left = [*(folder.parent / ".hubkit" / "quarantine").glob("*/hubconf.py")]
    assert [path.read_text() for path in left] == (["mine = 1\n"] if edited else [])


def test_a_repo_may_have_a_file_of_the_marks_name(
    host: GitHost, worktree: Path, folder: Path
) -> None:
    commit_files(worktree, {".hubkit-copy.json": '{"path": "acme_shapes_main", "sha": "x"}'})
    host.add_repo("acme", "shapes", worktree)
    assert str(load(CHECK).sha) in (folder / ".hubkit-copy.json").read_text()
    host.forget_requests()
    load()
    assert host.requests == []


def test_a_hub_dir_that_was_copied_needs_no_network(
    host: GitHost, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder.parent, tmp_path / "image" / "hub", copy_function=shutil.copyfile)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "image"))
    assert load().path.is_relative_to(tmp_path / "image")
    assert host.requests == []
