"""A disk that is full, or has something in the way: said, and nothing is left or lost."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import CacheWriteError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, find_cached, parse_repo, read_inventory
from hubkit.hubdir.layout import store
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.git_host import GitHost

ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)
REPO = parse_repo("acme/shapes")


@pytest.fixture
def small_disk(hub_dir: Path) -> Iterator[Path]:
    """The hub dir, on a file system that holds 1 MiB."""
    hub_dir.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "hubkit-tests", str(hub_dir)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"may not mount: {done.stderr.strip()}")
    try:
        yield hub_dir
    finally:
        subprocess.run(["umount", str(hub_dir)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_repo_that_does_not_fit_leaves_nothing(
    host: GitHost, worktree: Path, small_disk: Path
) -> None:
    (worktree / "big.bin").write_bytes(os.urandom(3 << 20))
    commit_files(worktree, {})
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(CacheWriteError, match=r"disk is full|Not enough disk space") as full:
        fetch_repo(REPO, ASK)
    assert "Free some space" in full.value.hint
    assert find_cached(REPO) is None
    assert read_inventory().leftovers == ()
    assert files_in(small_disk) == []
    grow(small_disk)
    assert (fetch_repo(REPO, ASK).path / "big.bin").stat().st_size == 3 << 20


def test_the_old_file_stays_if_the_new_one_does_not_fit(
    host: GitHost, worktree: Path, small_disk: Path
) -> None:
    old = fetch_repo(REPO, ASK)
    url = host.add_file("/net.pt", b"old")
    fetch_checkpoint(url, policy=ASK)
    before = files_in(small_disk)
    (worktree / "big.bin").write_bytes(os.urandom(3 << 20))
    commit_files(worktree, {})
    host.add_repo("acme", "shapes", worktree)
    host.add_file("/net.pt", os.urandom(3 << 20))
    with pytest.raises(CacheWriteError):
        fetch_repo(REPO, AFRESH)
    with pytest.raises(CacheWriteError):
        fetch_checkpoint(url, policy=AFRESH)
    assert fetch_repo(REPO, ASK).sha == old.sha
    assert (old.path / "net" / "a.py").is_file()
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"old"
    assert files_in(small_disk) == before


@pytest.mark.parametrize("name", ["staging", "locks", "repos"])
def test_a_file_where_a_folder_is_to_be_is_named(host: GitHost, hub_dir: Path, name: str) -> None:
    url = host.add_file("/net.pt", b"weights")
    (hub_dir / ".hubkit").mkdir(parents=True)
    (hub_dir / ".hubkit" / name).write_text("in the way")
    with pytest.raises(CacheWriteError, match=str(store() / name)) as refused:
        fetch_repo(REPO, ASK)
    assert str(hub_dir) in refused.value.hint
    if name != "repos":
        with pytest.raises(CacheWriteError, match=str(store() / name)):
            fetch_checkpoint(url, policy=ASK)
    (hub_dir / ".hubkit" / name).unlink()
    assert (fetch_repo(REPO, ASK).path / "hubconf.py").is_file()
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"weights"


def test_a_file_in_the_way_keeps_nobody_from_what_is_there(host: GitHost, hub_dir: Path) -> None:
    cached = fetch_repo(REPO, ASK)
    staging = hub_dir / ".hubkit" / "staging"
    for path in sorted(staging.rglob("*"), reverse=True):
        path.rmdir()
    staging.rmdir()
    staging.write_text("in the way")
    asked = len(host.requests)
    assert fetch_repo(REPO, ASK).path == cached.path
    assert fetch_repo(REPO, FetchPolicy(max_age=0)).path == cached.path
    assert len(host.requests) == asked
