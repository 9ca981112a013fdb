"""Many at once, and killed at any instant: one download, no error, no leftovers."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import LockTimeoutError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import (
    download_url_to_file,
    fetch_checkpoint,
    fetch_repo,
    parse_repo,
    read_inventory,
)
from hubkit.hubdir.layout import ref_record, repo_key
from hubkit.hubdir.locks import hold
from tests.git_host import commit_files
from tests.hubdir.racer import leftovers

if TYPE_CHECKING:
    from tests.git_host import GitHost

ROOT = Path(__file__).parent.parent.parent
BODY = os.urandom(300_000)


@pytest.fixture
def url(host: GitHost, worktree: Path) -> str:
    """``acme/shapes`` with 203 files in all; gives the URL of a checkpoint."""
    commit_files(worktree, {f"net/m{n}.py": f"N = {n}\n" for n in range(200)})
    host.add_repo("acme", "shapes", worktree)
    return host.add_file("/net.pt", BODY)


def race(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.hubdir.racer", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_a_crowd_makes_one_download_of_each(host: GitHost, hub_dir: Path, url: str) -> None:
    race("crowd", url, "32")
    assert [len(host.paths(part)) for part in ("info/refs", "codeload", "net.pt")] == [1, 1, 1]
    assert leftovers(hub_dir) == []


def test_processes_that_fetch_afresh_at_once_do_no_harm(
    host: GitHost, hub_dir: Path, url: str
) -> None:
    race("afresh", url, "4")
    assert 2 <= len(host.paths("codeload")) <= 5
    assert 2 <= len(host.paths("net.pt")) <= 5
    assert leftovers(hub_dir) == []


def test_weights_are_refreshed_after_waiting_for_a_refreshed_repo(
    host: GitHost,
    url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever was before us may only have asked whether the branch had moved."""
    caplog.set_level(logging.INFO, "hubkit")
    repo = parse_repo("acme/shapes")
    fetch_repo(repo, FetchPolicy())
    fetch_checkpoint(url, policy=FetchPolicy(), repo=repo)
    host.add_file("/net.pt", BODY[::-1])
    record = ref_record(repo, "main")
    monkeypatch.setattr("hubkit.hubdir.locks.SILENT", 0.0)
    waits = threading.Event()
    watch = lambda said: waits.set() if "Waiting for" in said.msg else None  # noqa: E731
    monkeypatch.setattr(logging.getLogger("hubkit"), "filters", [watch])
    afresh = threading.Thread(target=fetch_repo, args=(repo, FetchPolicy(refresh=True)))
    with hold(repo_key(repo), 60):
        afresh.start()
        assert waits.wait(120)
        now = {"fetched_at": time.time()}
        record.write_text(json.dumps(json.loads(record.read_bytes()) | now))
    afresh.join()
    assert len(host.paths("codeload")) == 1
    assert fetch_checkpoint(url, policy=FetchPolicy()).read_bytes() == BODY[::-1]


@pytest.mark.parametrize("mode", ["lying", "none"])
def test_without_usable_locks_a_crowd_does_no_harm(
    host: GitHost, hub_dir: Path, url: str, mode: str
) -> None:
    race(mode, url, "12")
    assert len(host.paths("codeload")) <= 12
    assert leftovers(hub_dir) == []


def test_kills_at_any_moment_do_no_harm(url: str) -> None:
    race("kills", url, "1")


KILLED = """
import os, pathlib, signal, sys
from hubkit.hubdir import download_url_to_file

def die(self, target):
    os.kill(os.getpid(), signal.SIGKILL)

pathlib.Path.replace = die  # before the first record is put in place
download_url_to_file(*sys.argv[1:])
"""


def test_a_kill_while_a_record_is_put_beside_a_download_leaves_nothing(
    url: str, hub_dir: Path
) -> None:
    folder = hub_dir / "checkpoints"
    folder.mkdir(parents=True)
    mine = folder / ".hubkit-settings.toml"
    mine.write_text("not hubkit's")
    os.utime(mine, (0, 0))
    target = str(folder / "out.pt")
    done = subprocess.run([sys.executable, "-c", KILLED, url, target], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(folder.iterdir()) - {mine}
    assert [one.path for one in read_inventory().leftovers] == [left]
    assert [one.path for one in read_inventory().checkpoints] == [mine]
    download_url_to_file(url, target)
    assert set(folder.iterdir()) == {mine, folder / "out.pt"}


def test_threads_share_one_download(host: GitHost, url: str) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            fetch_repo(parse_repo("acme/shapes"), FetchPolicy())
            fetch_checkpoint(url, policy=FetchPolicy())
        except BaseException as error:  # noqa: BLE001 - shown below
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [len(host.paths(part)) for part in ("info/refs", "codeload", "net.pt")] == [1, 1, 1]


@pytest.mark.usefixtures("hub_dir")
def test_waiting_for_a_lock_names_its_holder_and_ends(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubkit.hubdir.locks.SILENT", 0.0)
    with (
        hold("acme", 1),
        pytest.raises(LockTimeoutError, match=f"process {os.getpid()}"),
        hold("acme", 0.05),
    ):
        raise AssertionError("held twice")
    assert f"Waiting for process {os.getpid()}, which holds the lock of acme" in caplog.text
    with hold("acme", 0):
        pass
