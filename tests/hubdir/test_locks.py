"""Locks of the hub dir: what an error of the system does to those that others hold."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hubkit.hubdir.layout import lock_file
from hubkit.hubdir.locks import hold, hold_tree

OUT_OF_DESCRIPTORS = """
import os, resource
import filelock
from hubkit.hubdir.locks import hold
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
taken = []
try:
    while True:
        taken.append(os.dup(2))
except OSError:
    pass
with hold("key", 0.1):
    os.close(taken.pop())
    print("went on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are Unix's")
@pytest.mark.usefixtures("hub_dir")
def test_a_lock_that_cannot_be_opened_stays_with_its_holder() -> None:
    with hold("key", 0.1):
        before = lock_file("key").stat().st_ino
        done = subprocess.run(
            [sys.executable, "-c", OUT_OF_DESCRIPTORS],
            env=os.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "went on\n"
        assert lock_file("key").stat().st_ino == before


@pytest.mark.parametrize("stale", [False, True])
def test_of_a_crowd_that_waits_one_says_so(
    hub_dir: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    stale: bool,
) -> None:
    """Each thread has a lock of its own, as a process has."""
    caplog.set_level(logging.DEBUG, "hubkit")
    monkeypatch.setattr("hubkit.hubdir.locks.SILENT", 0.0)
    marker = lock_file("key").with_suffix(".waiting")
    if stale:  # left by a process that was killed
        marker.parent.mkdir(parents=True)
        marker.touch()
        os.utime(marker, (0, 0))
    said = threading.Semaphore(0)

    def count(record: logging.LogRecord) -> bool:
        said.release() if "Waiting" in record.msg else None
        return True

    monkeypatch.setattr(logging.getLogger("hubkit"), "filters", [count])

    def wait() -> None:
        with hold("key", 60):
            pass

    crowd = [threading.Thread(target=wait) for _ in range(8)]
    with hold("key", 60):
        for thread in crowd:
            thread.start()
        for _ in crowd:
            assert said.acquire(timeout=60)
    for thread in crowd:
        thread.join()
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.message for record in warnings] == [
        f"Waiting for process {os.getpid()}, which holds the lock of key"
    ]
    assert not list(hub_dir.rglob("*.waiting"))


@pytest.mark.usefixtures("hub_dir")
def test_a_short_wait_is_silent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubkit.hubdir.locks.SILENT", 60.0)
    waiter = threading.Thread(target=lambda: hold("key", 60).__enter__())
    with hold("key", 60):
        waiter.start()
    waiter.join()
    assert "Waiting" not in caplog.text


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_descriptor_of_a_replaced_tree_is_closed(tmp_path: Path) -> None:
    record = tmp_path / "tree.json"
    for _ in range(4):
        record.unlink(missing_ok=True)
        record.write_text("{}")
        hold_tree(tmp_path / "tree")
    held = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert [path for path in held if path.is_relative_to(tmp_path)] == [record]
