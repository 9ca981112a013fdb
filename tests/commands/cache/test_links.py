"""A hub dir that somebody else has laid links, pipes and records into."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import CacheWriteError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import add_trust, fetch_checkpoint, fetch_repo, parse_repo, remove_trust
from hubkit.hubdir.layout import encode, store
from hubkit.hubdir.partial import Partial
from tests.commands.cache.conftest import run
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")

DEAD = 2**22 + 1  # more than any process id


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's with one file in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "canary").write_text("mine")
    return folder


def require_untouched(outside: Path) -> None:
    assert [path.name for path in outside.iterdir()] == ["canary"]
    assert (outside / "canary").read_text() == "mine"


def move_behind_link(folder: Path, outside: Path) -> None:
    """Put a folder of the hub dir elsewhere, and a link in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        for path in folder.iterdir():
            path.rename(outside / path.name)
        folder.rmdir()
    folder.symlink_to(outside)


def test_prune_does_not_follow_a_link_to_the_quarantine(hub_dir: Path, outside: Path) -> None:
    move_behind_link(hub_dir / ".hubkit" / "quarantine", outside)
    run("cache", "prune")
    require_untouched(outside)


@pytest.mark.parametrize("name", ["staging", "staging/room", "checkpoints"])
def test_prune_removes_no_orphan_behind_a_link(hub_dir: Path, outside: Path, name: str) -> None:
    import socket

    orphan = f"{socket.gethostname()}.{DEAD}.{'0' * 16}"
    partial = f"net.pt.{'0' * 16}.partial"
    at = hub_dir / name if name == "checkpoints" else hub_dir / ".hubkit" / name
    inner = outside / "room" if name == "staging" else outside
    inner.mkdir(exist_ok=True)
    for one in (orphan, f".hubkit-{orphan}", partial, f"{partial}.json"):
        (inner / one).write_text("{}")
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(outside)
    before = sorted(outside.rglob("*"))
    run("cache", "prune")
    assert sorted(outside.rglob("*")) == before


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_rm_and_prune_remove_no_repo_behind_a_link(
    worktree: Path, outside: Path, depth: int
) -> None:
    [repo] = (store() / "repos").glob("*/*/*")
    folder = [repo, *repo.parents][3 - depth]
    move_behind_link(folder, outside)
    before = sorted(outside.rglob("*"))
    run("cache", "rm", "acme/shapes")
    run("cache", "prune", "--older-than", "0h")
    assert sorted(outside.rglob("*")) == before
    assert worktree.is_dir()


def forge_record(path: str, **facts: object) -> None:
    """Have the hub dir say that a file is a checkpoint."""
    record = {"url": "https://evil.invalid/x.pt", "path": path, "sha256": "0" * 64, **facts}
    folder = store() / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "forged.json").write_text(json.dumps(record))


@pytest.mark.parametrize("spelling", ["plain", "dots", "link"])
def test_forged_records_do_not_affect_files_outside(
    hub_dir: Path, outside: Path, spelling: str
) -> None:
    hub_dir.mkdir(parents=True, exist_ok=True)
    (hub_dir / "alias").symlink_to(outside)
    path = {
        "plain": str(outside / "canary"),
        "dots": f"{hub_dir}/{os.path.relpath(outside / 'canary', hub_dir)}",
        "link": str(hub_dir / "alias" / "canary"),
    }[spelling]
    forge_record(path, fetched_at=1)
    for command in (
        ("verify", "--fix"),
        ("rm", "https://evil.invalid/x.pt"),
        ("rm", "canary"),
        ("rm", path),
        ("prune", "--older-than", "0h"),
    ):
        run("cache", *command)
        require_untouched(outside)


def test_verify_skips_files_that_it_must_not_move(
    git_host: GitHost, hub_dir: Path, outside: Path
) -> None:
    forge_record(str(outside / "canary"))
    url = git_host.add_file("/net.pt", b"weights")
    path = fetch_checkpoint(url, policy=FetchPolicy())
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    said = run("cache", "verify", "--fix")
    assert (said.exit_code, path.exists()) == (1, False)
    assert f"skipped: Cannot change {outside / 'canary'}: it is outside {hub_dir}" in said.stderr
    require_untouched(outside)


@pytest.mark.parametrize("kind", ["link", "pipe", "hard link"])
def test_partial_files_must_be_regular_files(
    git_host: GitHost, hub_dir: Path, outside: Path, kind: str
) -> None:
    url = git_host.add_file("/net.pt", b"weights")
    folder = hub_dir / "checkpoints"
    folder.mkdir(parents=True)
    left = folder / f"net.pt.{'0' * 16}.partial"
    if kind == "link":
        left.symlink_to(outside / "canary")
    elif kind == "pipe":
        os.mkfifo(left)
    else:
        os.link(outside / "canary", left)
    left.with_name(f"{left.name}.json").write_text('{"etag": "\\"1\\"", "missing": [[2, 7]]}')
    assert fetch_checkpoint(url, policy=FetchPolicy()).read_bytes() == b"weights"
    require_untouched(outside)


def test_a_partial_file_that_became_a_link_meanwhile_is_not_written(
    tmp_path: Path, outside: Path
) -> None:
    partial = Partial(tmp_path / "net.pt")
    partial.create()
    partial.path.unlink()
    partial.path.symlink_to(outside / "canary")
    with pytest.raises(OSError, match="it is a symbolic link"):
        partial.open(os.O_WRONLY | os.O_APPEND)
    require_untouched(outside)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_a_partial_file_of_another_user_is_not_adopted(git_host: GitHost, hub_dir: Path) -> None:
    url = git_host.add_file("/net.pt", b"weights")
    folder = hub_dir / "checkpoints"
    folder.mkdir(parents=True)
    left = folder / f"net.pt.{'0' * 16}.partial"
    left.write_bytes(b"evil")
    journal = left.with_name(f"{left.name}.json")
    journal.write_text('{"etag": "\\"1\\""}')
    for path in (left, journal):
        os.chown(path, 65534, 65534)
    assert fetch_checkpoint(url, policy=FetchPolicy()).read_bytes() == b"weights"
    assert left.read_bytes() == b"evil"


def test_the_trusted_list_is_not_written_through_a_link(hub_dir: Path, outside: Path) -> None:
    hub_dir.mkdir(parents=True, exist_ok=True)
    (hub_dir / "trusted_list").symlink_to(outside / "canary")
    with pytest.raises(CacheWriteError, match=r"Cannot change .*: it is a symbolic link"):
        add_trust(parse_repo("acme/shapes"))
    assert not remove_trust(parse_repo("acme/shapes"))
    require_untouched(outside)


def test_pipes_in_the_hub_dir_do_not_block(worktree: Path, hub_dir: Path) -> None:
    """Each of these would wait for somebody to write into it."""
    [repo] = (store() / "repos").glob("*/*/*")
    [tree] = (path for path in repo.iterdir() if path.is_dir() and path.name != "refs")
    for path in (
        hub_dir / "trusted_list",
        hub_dir / "checkpoints" / "pipe.pt",
        store() / "checkpoints" / "pipe.json",
        repo / "refs" / "pipe.json",
        tree / "pipe.py",
        tree.with_name(f"{tree.name}.json"),
    ):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for command in (("ls",), ("verify",), ("prune",), ("rm", "acme/shapes")):
        run("cache", *command)
    assert not remove_trust(parse_repo("acme/shapes"))
    assert worktree.is_dir()


@pytest.mark.parametrize("name", ["", "locks", "staging", "links", "repos", "repos/HOST/acme", "repos/HOST/acme/shapes/refs"])  # fmt: skip
def test_nothing_is_fetched_to_what_lies_behind_a_link(
    git_host: GitHost, hub_dir: Path, outside: Path, tmp_path: Path, name: str
) -> None:
    sha = commit_files(tmp_path / "work", {"hubconf.py": "dependencies = []\n"})
    git_host.add_repo("acme", "shapes", tmp_path / "work")
    repo = parse_repo(f"{git_host.url}/acme/shapes@main")
    folder = hub_dir / ".hubkit" / name.replace("HOST", encode(repo.host))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(outside)
    with contextlib.suppress(CacheWriteError):
        assert fetch_repo(repo, FetchPolicy()).sha == sha
    require_untouched(outside)


def test_a_hub_dir_that_is_a_link_works(git_host: GitHost, hub_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    hub_dir.parent.mkdir(parents=True, exist_ok=True)
    hub_dir.symlink_to(tmp_path / "real")
    path = fetch_checkpoint(git_host.add_file("/net.pt", b"weights"), policy=FetchPolicy())
    assert run("cache", "verify").exit_code == 0
    assert run("cache", "rm", "net.pt").exit_code == 0
    assert not path.exists()
