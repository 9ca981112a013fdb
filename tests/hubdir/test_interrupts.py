"""Ctrl-C and kill: what has arrived stays, and the next run goes on from there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from hubkit.hubdir import parse_repo
from hubkit.hubdir.layout import tree_folder
from tests.git_host import GitHost, commit_files, git_bytes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")

ARRIVED = 1 << 20
CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo
what, policy = sys.argv[1], FetchPolicy(progress=False)
if "://" in what:
    fetch_checkpoint(what, policy=policy)
else:
    fetch_repo(parse_repo(what), policy)
"""


def start(what: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, what])


def publish(host: GitHost, worktree: Path) -> tuple[str, str]:
    """A repo whose archive can be resumed; return the archive's path and the commit."""
    noise = random.Random(0).randbytes(2 * ARRIVED)
    sha = commit_files(worktree, {"noise.bin": noise})
    host.add_repo("acme", "shapes", worktree)
    body = git_bytes("archive", "--format=zip", f"--prefix=shapes-{sha}/", sha, cwd=worktree)
    host.add_file(f"/acme/shapes/archive/{sha}.zip", body)
    return f"/acme/shapes/archive/{sha}.zip", sha


def wait_for_partial(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait until a process has written what its host has sent."""
    while True:
        sizes = [path.stat().st_size for path in folder.rglob("*.partial")]
        if sizes and max(sizes) >= ARRIVED:
            return max(sizes)
        assert process.poll() is None, "it has ended"
        time.sleep(0.01)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("kind", ["checkpoint", "archive"])
def test_the_next_run_goes_on_from_what_has_arrived(
    host: GitHost, hub_dir: Path, worktree: Path, kind: str, by: signal.Signals
) -> None:
    path, sha = publish(host, worktree)
    what = "acme/shapes" if kind == "archive" else f"{host.url}{path}"
    hold = threading.Event()
    host.fail(r"\.zip", cut=ARRIVED, stall=hold)
    process = start(what)
    arrived = wait_for_partial(process, hub_dir)
    process.send_signal(by)
    assert process.wait() != 0
    hold.set()
    host.forget_requests()
    assert start(what).wait() == 0
    ranges = [entry.headers.get("range") for entry in host.requests if ".zip" in entry.path]
    assert ranges == [f"bytes={arrived}-"]
    if kind == "archive":
        tree = tree_folder(parse_repo("acme/shapes"), sha)
        noise = (worktree / "noise.bin").read_bytes()
        assert (tree / "noise.bin").read_bytes() == noise
    left = [name for _, _, names in os.walk(hub_dir) for name in names]
    assert not [name for name in left if ".partial" in name]
