"""``hubkit lock``, and what a lock file does to a load."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import hubkit
from hubkit.cli import main
from hubkit.errors import HashMismatchError, LockfileError
from hubkit.hubdir.download import sha256_of
from hubkit.lockfile import read_lockfile
from tests.git_host import commit_files, git
from tests.loader.lock.conftest import lock, open_lock, release

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost


pytestmark = pytest.mark.torch


def changed_archive(worktree: Path, sha: str) -> bytes:
    """The zip of a commit, with another hubconf in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.comment = sha.encode()
        archive.writestr("shapes/hubconf.py", (worktree / "hubconf.py").read_text() + "# more\n")
    return content.getvalue()


def test_a_moved_tag_changes_nothing_for_who_has_a_lock_file(
    git_host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    assert lock("acme/shapes:v1").exit_code == 0
    hubconf = (worktree / "hubconf.py").read_text().replace("return 1", "return 2")
    release(git_host, worktree, hubconf, "v1")
    (hub_dir.parent / "elsewhere").mkdir()
    hubkit.set_dir(hub_dir.parent / "elsewhere")
    assert hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock") == 1
    assert hubkit.load("acme/shapes:v1", "version") == 2


@pytest.mark.usefixtures("worktree")
def test_what_is_not_locked_is_refused_with_the_line_that_locks_it(git_host: GitHost) -> None:
    lock("acme/shapes:v1")
    asked = len(git_host.requests)
    with pytest.raises(LockfileError, match=r"hubkit lock acme/shapes$"):
        hubkit.load("acme/shapes", "version", lockfile="hubkit.lock")
    assert len(git_host.requests) == asked


def test_a_checkpoint_that_is_not_there_is_named(worktree: Path, git_host: GitHost) -> None:
    done = lock("acme/shapes:v1", "--checkpoint", f"{git_host.url}/gone.pt")
    assert done.exit_code == 1
    assert f"error: Cannot pin {git_host.url}/gone.pt: " in done.stderr
    assert "hint: The lock file was not written." in done.stderr
    assert not (worktree.parent / "project" / "hubkit.lock").exists()


def test_checkpoints_are_locked_along(worktree: Path, git_host: GitHost) -> None:
    said = lock("acme/shapes:v1")
    url = f"{git_host.url}/net.pt"
    assert f"  {url}" in said.stderr
    with pytest.raises(LockfileError, match="hubkit lock --checkpoint"):
        hubkit.load("acme/shapes:v1", "net", lockfile="hubkit.lock")
    assert lock("--weights").exit_code == 0
    assert hubkit.load("acme/shapes:v1", "net", lockfile="hubkit.lock") == [0, 1, 2]
    file = worktree.parent / "net.pt"
    pinned = read_lockfile(worktree.parent / "project" / "hubkit.lock").checkpoints[url]
    assert (pinned.sha256, pinned.size) == (sha256_of(file), file.stat().st_size)


@pytest.mark.usefixtures("worktree")
def test_checkpoints_that_the_code_has_asked_for_are_locked(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/made/up.pt", tmp_path / "net.pt")
    hubkit.load("acme/shapes:v1", "weights", url)
    lock("acme/shapes:v1")
    assert url in json.loads(open_lock())["checkpoints"]
    hubkit.load("acme/shapes:v1", "weights", url, lockfile="hubkit.lock")


@pytest.mark.usefixtures("worktree")
def test_a_checkpoint_that_has_changed_at_its_url_is_refused(
    git_host: GitHost, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock("acme/shapes:v1", "--weights")
    git_host.add_file("/net.pt", b"something else")
    (hub_dir / "checkpoints" / "net.pt").unlink()
    with pytest.raises(HashMismatchError, match=r"net\.pt"):
        hubkit.load("acme/shapes:v1", "net", lockfile="hubkit.lock")
    monkeypatch.setenv("HUBKIT_LOCKFILE", "hubkit.lock")
    with pytest.raises(HashMismatchError, match=r"net\.pt"):
        hubkit.load_state_dict_from_url(f"{git_host.url}/net.pt")
    assert not (hub_dir / "checkpoints" / "net.pt").exists()


def test_repos_that_a_repo_loads_are_held_to_the_lock_file_too(
    git_host: GitHost, worktree: Path, tmp_path: Path
) -> None:
    commit_files(tmp_path / "other", {"hubconf.py": (worktree / "hubconf.py").read_text()})
    git_host.add_repo("acme", "other", tmp_path / "other")
    lock("acme/shapes:v1")
    with pytest.raises(LockfileError, match="hubkit lock acme/other"):
        hubkit.load("acme/shapes:v1", "other", lockfile="hubkit.lock")
    lock("acme/other")
    assert hubkit.load("acme/shapes:v1", "other", lockfile="hubkit.lock") == 1


def test_other_files_for_the_same_commit_are_refused(
    git_host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    lock("acme/shapes:v1")
    sha = git("rev-parse", "HEAD", cwd=worktree)
    hubkit.set_dir(hub_dir.parent / "elsewhere")
    git_host.add_archive(sha, changed_archive(worktree, sha))
    with pytest.raises(HashMismatchError, match=sha):
        hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock")
    assert not list((hub_dir.parent / "elsewhere").rglob("hubconf.py"))


@pytest.mark.parametrize("record", ["{}", "{", '{"digest": 3}'])
def test_files_of_which_no_record_tells_are_read(
    worktree: Path, hub_dir: Path, record: str
) -> None:
    lock("acme/shapes:v1")
    sha = git("rev-parse", "HEAD", cwd=worktree)
    (written,) = (hub_dir / ".hubkit" / "repos").rglob(f"{sha}.json")
    written.write_text(record)
    assert hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock") == 1
    (written.with_suffix("") / "more.py").write_text("")
    with pytest.raises(HashMismatchError, match=sha):
        hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock")


def test_check_tells_what_does_not_hold(
    git_host: GitHost, worktree: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock("acme/shapes:v1", "acme/shapes", "--weights")
    assert (lock("--check").exit_code, lock("--check").stdout) == (0, "")
    hubconf = (worktree / "hubconf.py").read_text().replace("return 1", "return 2")
    release(git_host, worktree, hubconf, "v1")
    said = lock("--check")
    assert said.exit_code == 1
    assert [line.rpartition(": ")[0] for line in said.stdout.splitlines()] == [
        "behind: acme/shapes",
        "moved: acme/shapes:v1",
    ]
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert lock("--check").exit_code == 0
    tree = next((hub_dir / ".hubkit" / "repos").rglob("hubconf.py"))
    tree.write_text(tree.read_text() + "# edited\n")
    checkpoint = hub_dir / "checkpoints" / "net.pt"
    checkpoint.chmod(0o644)
    checkpoint.write_bytes(b"x" * checkpoint.stat().st_size)
    said = lock("--check")
    assert said.exit_code == 1
    assert [line.partition(":")[0] for line in said.stdout.splitlines()] == ["changed"] * 3
    checkpoint.unlink()
    assert f"missing: {git_host.url}/net.pt" in lock("--check").stdout


def test_fetch_fills_an_empty_hub_dir_for_work_without_a_network(
    worktree: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock("acme/shapes:v1", "--weights")
    hubkit.set_dir(hub_dir.parent / "elsewhere")
    assert lock("--fetch").exit_code == 0
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert lock("--check").exit_code == 0
    assert hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock") == 1
    assert (hub_dir.parent / "elsewhere" / "checkpoints" / "net.pt").is_file()
    assert worktree.is_dir()


@pytest.mark.usefixtures("worktree")
def test_what_was_fetched_is_found_by_its_name(
    hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.hub

    lock("acme/shapes:v1")
    elsewhere = hub_dir.parent / "elsewhere"
    hubkit.set_dir(elsewhere)
    monkeypatch.setenv("HUBKIT_TRUST", "acme/*")
    assert lock("--fetch").exit_code == 0
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert CliRunner().invoke(main, ["list", "acme/shapes:v1"]).exit_code == 0
    assert hubkit.load("acme/shapes:v1", "version") == 1
    assert (elsewhere / "acme_shapes_v1" / "hubconf.py").is_file()
    monkeypatch.setattr(torch.hub, "_hub_dir", str(elsewhere))
    assert torch.hub.load("acme/shapes:v1", "version", trust_repo=True) == 1  # type: ignore[no-untyped-call]


def test_fetching_pins_leaves_refs_that_stand_for_other_commits(
    git_host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    lock("acme/shapes:v1")
    hubconf = (worktree / "hubconf.py").read_text().replace("return 1", "return 2")
    release(git_host, worktree, hubconf, "v1")
    hubkit.set_dir(hub_dir.parent / "elsewhere")
    assert hubkit.load("acme/shapes:v1", "version") == 2
    assert lock("--fetch").exit_code == 0
    assert hubkit.load("acme/shapes:v1", "version") == 2
    assert hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock") == 1


def test_commands_read_what_is_locked(
    git_host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock("acme/shapes:v1")
    hubconf = (worktree / "hubconf.py").read_text() + "\n\ndef later():\n    return 3\n"
    release(git_host, worktree, hubconf, "v1")
    hubkit.load("acme/shapes:v1", "later", force_reload=True)
    monkeypatch.setenv("HUBKIT_LOCKFILE", "hubkit.lock")
    listed = CliRunner().invoke(main, ["list", "acme/shapes:v1"])
    assert "version" in listed.stdout
    assert "later" not in listed.stdout
    other = CliRunner().invoke(main, ["list", "acme/shapes:main"])
    assert other.exit_code == 2
    assert "hubkit lock acme/shapes:main" in other.stderr


def test_locking_again_follows_the_tag(git_host: GitHost, worktree: Path) -> None:
    lock("acme/shapes:v1")
    hubconf = (worktree / "hubconf.py").read_text().replace("return 1", "return 2")
    sha = release(git_host, worktree, hubconf, "v1")
    assert lock().exit_code == 0
    assert json.loads(open_lock())["repos"]["acme/shapes:v1"]["sha"] == sha
    assert hubkit.load("acme/shapes:v1", "version", lockfile="hubkit.lock") == 2


def test_an_unpinned_load_says_once_how_to_pin_it(
    worktree: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "hubkit")
    for _ in range(2):
        hubkit.load("acme/shapes:v1", "version")
    sha = git("rev-parse", "HEAD", cwd=worktree)
    assert caplog.text.count(f"acme/shapes:{sha}") == 1


@pytest.mark.parametrize("arguments", [[], ["--check"], ["--check", "--fetch"], ["--fetch", "a/b"]])
def test_wrong_use_is_reported(arguments: list[str]) -> None:
    said = lock(*arguments)
    assert said.exit_code == 2
    assert said.stderr.startswith("error: ")
