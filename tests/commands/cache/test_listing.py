"""``hubkit cache ls`` and ``hubkit status``: what is there, and how it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo
from tests.commands.cache.conftest import listed, run
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    import pytest

    from tests.git_host import GitHost


def test_ls_lists_repos_and_checkpoints(git_host: GitHost, worktree: Path, hub_dir: Path) -> None:
    said = run("cache", "ls")
    assert said.exit_code == 0
    head, tree, checkpoint = said.stdout.splitlines()
    assert head.split() == ["SIZE", "LAST", "USED", "DIGEST", "WHAT", "FROM"]
    sha = git("rev-parse", "HEAD", cwd=worktree)
    assert tree.split()[-4:] == [sha[:10], "acme/shapes", "main,", "v1"]
    assert checkpoint.split()[-3:] == ["net.pt", "acme/shapes", f"{git_host.url}/net.pt"]
    assert str(hub_dir) in said.stderr
    assert run("cache", "dir").stdout == f"{hub_dir}\n"


def test_json_contains_all_fields(worktree: Path, hub_dir: Path, git_host: GitHost) -> None:
    found = listed()
    assert (found["version"], found["dir"], found["leftovers"]) == (1, str(hub_dir), [])
    [repo], [checkpoint] = found["repos"], found["checkpoints"]
    assert repo["refs"] == ["main", "v1"]
    assert repo["sha"] == git("rev-parse", "HEAD", cwd=worktree)
    assert (repo["files"], repo["bytes"]) == (1, (worktree / "hubconf.py").stat().st_size)
    assert checkpoint["url"] == f"{git_host.url}/net.pt"
    assert (checkpoint["repos"], checkpoint["bytes"]) == (["acme/shapes"], 7)
    assert checkpoint["used_at"] >= checkpoint["fetched_at"] > 0


def test_commands_accept_an_empty_hub_dir(hub_dir: Path) -> None:
    found = listed()
    assert found["dir"] == str(hub_dir)
    assert (found["repos"], found["checkpoints"], found["leftovers"]) == ([], [], [])
    assert run("cache", "ls").exit_code == 0
    assert run("cache", "verify").exit_code == 0
    assert run("cache", "prune").exit_code == 0
    assert run("status").exit_code == 0
    assert not hub_dir.exists()


def test_files_of_torch_hub_are_listed_and_removed(hub_dir: Path) -> None:
    folder = hub_dir / "own_rep_main"
    folder.mkdir(parents=True)
    (folder / "hubconf.py").write_text("")
    (hub_dir / "checkpoints").mkdir()
    (hub_dir / "checkpoints" / "w.pth").write_bytes(b"1234")
    found = listed()
    assert [repo["repo"] for repo in found["repos"]] == ["own_rep_main"]
    assert [(file["bytes"], file["url"]) for file in found["checkpoints"]] == [(4, None)]
    assert run("cache", "rm", "own_rep_main", "w.pth").exit_code == 0
    assert not folder.exists()
    assert listed()["checkpoints"] == []


def test_verify_moves_nothing_in_folders_of_the_user(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", b"weights")
    path = fetch_checkpoint(url, model_dir=tmp_path / "mine", policy=FetchPolicy())
    path.chmod(0o644)
    path.write_bytes(b"my work")
    said = run("cache", "verify", "--fix")
    assert said.exit_code == 1
    assert f"changed: {path}" in said.stdout
    assert f"skipped: Cannot change {path}" in said.stderr
    assert run("cache", "prune").exit_code == 0
    assert path.read_bytes() == b"my work"


def test_verify_finds_changes_and_fixes_them(worktree: Path, hub_dir: Path) -> None:
    assert run("cache", "verify").exit_code == 0
    tree = Path(listed()["repos"][0]["path"])
    (tree / "hubconf.py").write_text("changed")
    (tree / "more.py").write_text("added")
    checkpoint = hub_dir / "checkpoints" / "net.pt"
    checkpoint.chmod(0o644)
    checkpoint.write_bytes(b"WEIGHTS")
    said = run("cache", "verify")
    assert said.exit_code == 1
    assert set(said.stdout.splitlines()) == {
        f"changed: {tree / 'hubconf.py'}",
        f"added: {tree / 'more.py'}",
        f"changed: {checkpoint}",
    }
    assert len(json.loads(run("cache", "verify", "--json").stdout)["damaged"]) == 3
    assert run("cache", "verify", "--fix").exit_code == 0
    assert run("cache", "verify").exit_code == 0
    again = fetch_repo(parse_repo("acme/shapes:v1"), FetchPolicy())
    assert (again.path / "hubconf.py").read_bytes() == (worktree / "hubconf.py").read_bytes()
    assert len(listed()["leftovers"]) == 2


def test_status_of_each_kind_of_ref(
    git_host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    assert run("status", "--check").exit_code == 0
    new = commit_files(worktree, {"new.py": ""})
    git_host.add_repo("acme", "shapes", worktree)
    fetch_repo(parse_repo(f"acme/shapes:{new}"), FetchPolicy())
    said = run("status", "--check")
    assert said.exit_code == 1
    assert said.stdout.splitlines() == [
        f"pinned   acme/shapes:{new}",
        f"behind   acme/shapes:main  {sha[:10]} -> {new[:10]}",
        f"current  acme/shapes:v1  {sha[:10]}",
    ]
    assert run("status", "acme/shapes:v1").stdout.startswith("current")
    git("tag", "--delete", "v1", cwd=worktree)
    git_host.add_repo("acme", "shapes", worktree)
    [row] = json.loads(run("status", "acme/shapes:v1", "--json").stdout)["refs"]
    assert (row["state"], row["latest"]) == ("gone", None)
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert run("status", "acme/shapes:main").stdout.startswith("unknown  acme/shapes:main  ")
    assert run("status", "acme/none").exit_code == 2
