"""With a lock file just the bytes that were locked run, in the entrypoint and in what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit.errors import HashMismatchError, LockfileError
from hubkit.hubdir import bytecode_folder, parse_repo
from hubkit.runtime import name_repo
from tests.bytecode import plant_bytecode
from tests.git_host import commit_files
from tests.loader.lock.conftest import HUBCONF, lock, release

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.torch

LATE = '''
dependencies = []


def late():
    """Give a function that asks for another repo once the entrypoint has returned."""
    from torch import hub

    return lambda: hub.load("acme/other", "version")
'''


@pytest.fixture
def tree(worktree: Path, hub_dir: Path) -> Path:
    """The locked tree of ``acme/shapes:v1`` in the hub dir."""
    assert worktree.is_dir()
    assert lock("acme/shapes:v1").exit_code == 0
    return next((hub_dir / ".hubkit" / "repos").rglob("hubconf.py")).parent


def load_version() -> object:
    return hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock")


def edit(file: Path, old: str, new: str) -> None:
    """Change a file where it lies; its size, inode and time stay."""
    before = file.stat()
    text = file.read_text().replace(old, new)
    assert len(text) == before.st_size
    with file.open("r+") as opened:
        opened.write(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_edited_code_does_not_run(tree: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tree / "hubconf.py").write_text(f"__import__('pathlib').Path({str(canary)!r}).touch()\n")
    with pytest.raises(HashMismatchError, match="cache verify"):
        load_version()
    assert not canary.exists()


def test_an_edit_that_keeps_size_and_time_is_found(tree: Path) -> None:
    assert load_version() == 1
    edit(tree / "hubconf.py", "return 1", "return 3")
    with pytest.raises(HashMismatchError):
        load_version()
    program = "import hubkit; hubkit.load('acme/shapes:v1', 'version', lockfile='hubkit.lock')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=False
    )
    assert "HashMismatchError" in done.stderr
    edit(tree / "hubconf.py", "return 3", "return 1")
    assert load_version() == 1


def test_edited_code_is_not_locked(tree: Path, tmp_path: Path) -> None:
    """The file would say that the commit holds it."""
    before = (tmp_path / "project" / "hubkit.lock").read_text()
    edit(tree / "hubconf.py", "return 1", "return 3")
    said = lock()
    assert said.exit_code
    assert "hubkit cache verify --fix" in said.stderr
    assert (tmp_path / "project" / "hubkit.lock").read_text() == before


def test_a_module_that_was_added_does_not_run(tree: Path) -> None:
    assert load_version() == 1
    (tree / "torch.py").write_text("")
    with pytest.raises(HashMismatchError):
        load_version()


def test_what_an_unlocked_load_has_run_is_not_taken_for_locked(tree: Path) -> None:
    edit(tree / "hubconf.py", "return 1", "return 3")
    assert hubkit.load("acme/shapes:v1", "version") == 3
    edit(tree / "hubconf.py", "return 3", "return 1")
    assert load_version() == 1


def test_what_fetching_afresh_leaves_in_place_is_checked(tree: Path) -> None:
    (tree / "torch.py").write_text("")
    for _ in range(2):
        with pytest.raises(HashMismatchError):
            hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock", force_reload=True)


def test_compiled_files_of_the_hub_dir_do_not_run(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    canary = tmp_path / "canary"
    source = tree / "hubconf.py"
    for folder in (tree / "__pycache__", bytecode_folder(tree)):
        plant_bytecode(source, folder, canary)
    assert load_version() == 1
    assert not canary.exists()


def test_a_process_that_is_started_imports_what_was_locked(tree: Path) -> None:
    """As a spawned worker does, which unpickles objects of the repo's classes."""
    assert load_version() == 1
    name = name_repo(parse_repo("acme/shapes"), tree.name)
    program = [sys.executable, "-c", f"import hubkit.repos.{name}.hubconf"]
    assert subprocess.run(program, env=os.environ, check=False).returncode == 0
    edit(tree / "hubconf.py", "return 1", "return 3")
    done = subprocess.run(program, env=os.environ, capture_output=True, text=True, check=False)
    assert "HashMismatchError" in done.stderr


@pytest.mark.parametrize("locked_first", [False, True])
def test_late_calls_are_held_to_what_their_own_load_was(
    git_host: GitHost, worktree: Path, tmp_path: Path, locked_first: bool
) -> None:
    commit_files(tmp_path / "other", {"hubconf.py": HUBCONF.replace("VERSION", "2")})
    git_host.add_repo("acme", "other", tmp_path / "other")
    release(git_host, worktree, LATE, "v1")
    assert lock("acme/shapes:v1").exit_code == 0
    lockfiles = ["hubkit.lock", None] if locked_first else [None, "hubkit.lock"]
    late = {
        lockfile: hubkit.load("acme/shapes:v1", "late", lockfile=lockfile) for lockfile in lockfiles
    }
    assert late[None]() == 2
    with pytest.raises(LockfileError, match="hubkit lock acme/other"):
        late["hubkit.lock"]()
    # So it is when another repo's code, which no lock file holds, makes the call.
    commit_files(tmp_path / "outer", {"hubconf.py": "def call(function): return function()\n"})
    git_host.add_repo("acme", "outer", tmp_path / "outer")
    assert hubkit.load("acme/outer", "call", late[None]) == 2
    with pytest.raises(LockfileError, match="hubkit lock acme/other"):
        hubkit.load("acme/outer", "call", late["hubkit.lock"])
