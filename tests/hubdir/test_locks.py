"""Locks of the hub dir: what an error of the system does to those that others hold."""

from __future__ import annotations

import os
import subprocess
import sys
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
def test_who_cannot_open_a_lock_leaves_it_to_who_holds_it() -> None:
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


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_descriptor_of_a_replaced_tree_is_closed(tmp_path: Path) -> None:
    record = tmp_path / "tree.json"
    for _ in range(4):
        record.unlink(missing_ok=True)
        record.write_text("{}")
        hold_tree(tmp_path / "tree")
    held = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert [path for path in held if path.is_relative_to(tmp_path)] == [record]
