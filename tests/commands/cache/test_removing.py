"""``hubkit cache rm`` and ``prune``: what goes, and what stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, find_cached, parse_repo
from hubkit.hubdir.layout import lock_file, store
from tests.commands.cache.conftest import listed, run
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from tests.git_host import GitHost


OLD = 10 * 86400


def move_on(host: GitHost, worktree: Path) -> str:
    """Have main go on, and fetch it."""
    sha = commit_files(worktree, {"new.py": ""})
    host.add_repo("acme", "shapes", worktree)
    fetch_repo(parse_repo("acme/shapes:main"), FetchPolicy(max_age=0))
    return sha


LOADER = """
import sys
import hubkit
hubkit.load("acme/shapes:v1", "net", trust_repo=True)
print("loaded", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("target", ["acme/shapes", "acme/shapes:v1", "acme/shapes@main", "SHA", "PATH"])  # fmt: skip
def test_rm_removes_a_repo_with_its_links(worktree: Path, hub_dir: Path, target: str) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    target = {"SHA": sha[:8], "PATH": listed()["repos"][0]["path"]}.get(target, target)
    would = run("cache", "rm", target, "--dry-run")
    assert would.stdout.startswith("would remove: ")
    assert find_cached(parse_repo("acme/shapes:v1")) is not None
    said = run("cache", "rm", target)
    assert (said.exit_code, said.stdout.partition(":")[0]) == (0, "removed")
    assert find_cached(parse_repo("acme/shapes:v1")) is None
    assert find_cached(parse_repo(f"acme/shapes:{sha}")) is None
    assert [path.name for path in hub_dir.glob("acme*")] == []
    assert listed()["repos"] == []
    assert fetch_repo(parse_repo("acme/shapes:v1"), FetchPolicy()).sha == sha


def test_rm_removes_a_checkpoint_by_url(git_host: GitHost, worktree: Path, hub_dir: Path) -> None:
    assert run("cache", "rm", f"{git_host.url}/net.pt?access_token=x").exit_code == 0
    assert not (hub_dir / "checkpoints" / "net.pt").exists()
    assert list((store() / "checkpoints").iterdir()) == []
    assert worktree.is_dir()


def test_rm_requires_enough_digits_of_a_commit(worktree: Path) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    for ref in (sha[0], sha[:6]):
        assert run("cache", "rm", f"acme/shapes:{ref}").exit_code == 2
    assert run("cache", "rm", f"acme/shapes:{sha[:7]}").exit_code == 0


def test_prune_keeps_files_in_folders_of_the_user(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", b"weights")
    path = fetch_checkpoint(url, model_dir=tmp_path / "mine", policy=FetchPolicy())
    [record] = (store() / "checkpoints").glob("*.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"fetched_at": 1}))
    os.utime(path, (1, path.stat().st_mtime))
    assert run("cache", "prune", "--older-than", "1d").exit_code == 0
    assert path.is_file()
    assert run("cache", "rm", "net.pt").exit_code == 2
    assert path.is_file()
    said = run("cache", "rm", str(path))
    assert said.exit_code == 1
    assert f"skipped: Cannot change {path}: it is outside" in said.stderr
    assert path.is_file()


def test_rm_of_a_link_keeps_its_target(hub_dir: Path, tmp_path: Path) -> None:
    """Of people who develop a repo and link it to where torch.hub looks."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "hubconf.py").write_text("")
    (mine / "w.pth").write_bytes(b"weights")
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "own_rep_main").symlink_to(mine)
    (hub_dir / "checkpoints" / "w.pth").symlink_to(mine / "w.pth")
    (hub_dir / "checkpoints" / "more").symlink_to(mine)
    assert run("cache", "rm", "own_rep_main", "w.pth").exit_code == 0
    assert sorted(path.name for path in mine.iterdir()) == ["hubconf.py", "w.pth"]
    assert not (hub_dir / "own_rep_main").is_symlink()
    assert not (hub_dir / "checkpoints" / "w.pth").is_symlink()


def test_rm_suggests_similar_names(worktree: Path) -> None:
    said = run("cache", "rm", "acme/shape", "net.pt")
    assert said.exit_code == 2
    assert "Did you mean `acme/shapes" in said.stderr
    assert len(listed()["checkpoints"]) == 1
    assert worktree.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is held there")
def test_repos_in_use_are_kept(worktree: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", LOADER], stdin=pipe, stdout=pipe) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"loaded\n"
        said = run("cache", "rm", "acme/shapes")
        assert said.exit_code == 1
        assert "a running program has loaded it" in said.stderr
        assert find_cached(parse_repo("acme/shapes:v1")) is not None
        program.communicate()
    assert run("cache", "rm", "acme/shapes").exit_code == 0
    assert worktree.is_dir()


def test_files_being_fetched_are_kept(worktree: Path) -> None:
    from filelock import FileLock

    with FileLock(lock_file("github.com/acme/shapes")):
        said = run("cache", "rm", "acme/shapes")
    assert said.exit_code == 1
    assert "it is being downloaded" in said.stderr
    assert len(listed()["repos"]) == 1
    assert worktree.is_dir()


def test_prune_removes_commits_without_refs(git_host: GitHost, worktree: Path) -> None:
    first = move_on(git_host, worktree)  # v1 still leads to the one before
    move_on(git_host, worktree)
    assert len(listed()["repos"]) == 3
    assert run("cache", "prune", "--dry-run").stdout.count("would remove") == 1
    said = run("cache", "prune")
    assert said.exit_code == 0
    assert first in said.stdout
    assert [repo["refs"] for repo in listed()["repos"]] in ([["main"], ["v1"]], [["v1"], ["main"]])


def test_prune_keeps_requested_commits(git_host: GitHost, worktree: Path) -> None:
    sha = commit_files(worktree, {"pinned.py": ""})
    git_host.add_repo("acme", "shapes", worktree)
    fetch_repo(parse_repo(f"acme/shapes:{sha}"), FetchPolicy())
    run("cache", "prune")
    assert find_cached(parse_repo(f"acme/shapes:{sha}")) is not None


def test_prune_removes_leftovers_and_damaged_files(worktree: Path, hub_dir: Path) -> None:
    aside = store() / "quarantine" / "net.pt.1234"
    aside.parent.mkdir()
    aside.write_bytes(b"bad")
    partial = hub_dir / "checkpoints" / f"big.pt.{'0' * 16}.partial"
    partial.write_bytes(b"half")
    partial.with_name(f"{partial.name}.json").write_text('{"etag": "\\"x\\""}')
    assert {left["kind"] for left in listed()["leftovers"]} == {"damaged", "unfinished"}
    assert [Path(file["path"]).name for file in listed()["checkpoints"]] == ["net.pt"]
    assert run("cache", "prune").exit_code == 0
    assert listed()["leftovers"] == []
    assert (hub_dir / "checkpoints" / "net.pt").is_file()
    assert worktree.is_dir()


def test_prune_by_age(worktree: Path, hub_dir: Path) -> None:
    [record] = (store() / "checkpoints").glob("*.json")
    checkpoint = hub_dir / "checkpoints" / "net.pt"
    content = json.loads(record.read_text())
    then = content["fetched_at"] - OLD
    os.utime(checkpoint, (then, checkpoint.stat().st_mtime))
    record.write_text(json.dumps(content | {"fetched_at": then}))
    run("cache", "prune", "--older-than", "11d")
    assert checkpoint.exists()
    run("cache", "prune", "--older-than", "9d")
    assert not checkpoint.exists()
    assert len(listed()["repos"]) == 1
    assert run("cache", "prune", "--older-than", "soon").exit_code == 2
    assert worktree.is_dir()
