"""Reading and writing the lock file."""

from __future__ import annotations

from pathlib import Path

import pytest

import hubkit
from hubkit.errors import LockfileError
from hubkit.lockfile import Lockfile, read_lockfile, render_lockfile
from tests.loader.lock.conftest import lock, open_lock

pytestmark = pytest.mark.torch


def test_written_text_is_stable(worktree: Path) -> None:
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
def test_invalid_lock_files_are_errors(tmp_path: Path, text: str) -> None:
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


def test_a_dangling_link_creates_no_lock_file(worktree: Path) -> None:
    """In a foreign repo it may lead anywhere."""
    canary = worktree.parent / "canary"
    Path("hubkit.lock").symlink_to(canary)
    said = lock("acme/shapes:v1")
    assert said.exit_code == 2
    assert "which does not exist" in said.stderr
    assert not canary.exists()


def test_duplicate_pins_are_an_error(worktree: Path) -> None:
    """Merges leave them behind, and JSON parsers use the last one."""
    lock("acme/shapes:v1")
    path = worktree.parent / "project" / "hubkit.lock"
    pin = path.read_text().partition('"repos": {')[2].partition("}")[0]
    other = pin.replace(pin.partition('"sha": "')[2][:40], "0" * 40)
    path.write_text(path.read_text().replace(pin, f"{pin}}},{other}", 1))
    with pytest.raises(LockfileError, match="duplicate entry acme/shapes:v1"):
        hubkit.load("acme/shapes:v1", "net", lockfile=path)
