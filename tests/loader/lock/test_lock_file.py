"""The lock file itself: what stands in it, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import hubkit
from hubkit.errors import LockfileError
from hubkit.lockfile import Lockfile, read_lockfile, render_lockfile
from tests.loader.lock.conftest import lock, open_lock


def test_the_text_is_stable_and_read_back(worktree: Path) -> None:
    lock("acme/shapes:v1", "acme/shapes")
    first = open_lock()
    lock("acme/shapes", "acme/shapes:v1")
    assert open_lock() == first
    path = worktree.parent / "project" / "hubkit.lock"
    assert render_lockfile(read_lockfile(path)) == first
    assert render_lockfile(Lockfile(path)).count("{}") == 2


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 2, "repos": {}, "checkpoints": {}}', "\x00",
     '{"version": 1, "repos": {"a/b": {"sha": "main", "digest": "sha256:0"}}, "checkpoints": {}}',
     '{"version": 1, "repos": {}, "repos": {}, "checkpoints": {}}', "[" * 10**5,
     "<<<<<<< ours", '{"version": 1, "repos": [], "checkpoints": {}}',
     f'{{"version": 1, "repos": {{}}, "checkpoints": {{"u": {{"sha256": "{"0" * 64}", "size": -1}}}}}}'],
)  # fmt: skip
def test_what_is_no_lock_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.lock"
    path.write_text(text)
    with pytest.raises(LockfileError, match=r"bad\.lock"):
        read_lockfile(path)
    with pytest.raises(LockfileError, match=r"none\.lock"):
        read_lockfile(tmp_path / "none.lock")


def test_a_link_to_a_lock_file_stays_a_link(worktree: Path) -> None:
    kept = worktree.parent / "kept.lock"
    kept.write_text('{"version": 1, "repos": {}, "checkpoints": {}}')
    Path("hubkit.lock").symlink_to(kept)
    for _ in range(2):
        assert lock("acme/shapes:v1").exit_code == 0
    assert Path("hubkit.lock").is_symlink()
    assert "acme/shapes:v1" in kept.read_text()


def test_a_link_to_nothing_makes_no_lock_file(worktree: Path) -> None:
    """In somebody's repo it may lead anywhere."""
    canary = worktree.parent / "canary"
    Path("hubkit.lock").symlink_to(canary)
    said = lock("acme/shapes:v1")
    assert said.exit_code == 2
    assert "there is no such file" in said.stderr
    assert not canary.exists()


def test_a_repo_that_is_pinned_twice_is_named(worktree: Path) -> None:
    """As a merge leaves it; JSON would take the last one."""
    lock("acme/shapes:v1")
    path = worktree.parent / "project" / "hubkit.lock"
    pin = path.read_text().partition('"repos": {')[2].partition("}")[0]
    other = pin.replace(pin.partition('"sha": "')[2][:40], "0" * 40)
    path.write_text(path.read_text().replace(pin, f"{pin}}},{other}", 1))
    with pytest.raises(LockfileError, match="acme/shapes:v1 is in it twice"):
        hubkit.load("acme/shapes:v1", "net", lockfile=path)
