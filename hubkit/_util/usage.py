"""What processes use, as far as Linux says: memory, and bytes that they have written."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hubkit._util.process import ChildDiskError, ChildMemoryError
from hubkit._util.text import format_size

_PROC = Path("/proc")
_TREE_EVERY = 0.25  # seconds; finding what a process has started means to read all processes
_PARENT = 1  # of the fields after the name in /proc/N/stat


def read_memory(pid: int) -> int:
    """Bytes of memory that a process uses now, shared libraries included; 0 if unknown."""
    return sum(_pages(pid)[:1])


def read_written(pid: int, *, alone: bool = False) -> int:
    """Bytes that a process has written so far, to files and pipes; 0 if unknown.

    Args:
        pid: The process.
        alone: Whether to count its main thread only. Otherwise, what it has started and waited for
            counts, too.
    """
    name = f"{_PROC}/{pid}/task/{pid}/io" if alone else f"{_PROC}/{pid}/io"
    try:
        with open(name, "rb", buffering=0) as stream:  # noqa: PTH123 - it is read ten times a second
            fields = dict(line.split(b": ") for line in stream.read().splitlines())
        # The second one counts memory maps, too, but not files in memory.
        return max(int(fields[b"wchar"]), int(fields[b"write_bytes"]))
    except (OSError, ValueError, KeyError):
        return 0


def memory_error(most: int) -> ChildMemoryError:
    """The error for a process that uses more memory."""
    return ChildMemoryError(f"needed more than {format_size(most)} of memory")


def disk_error(most: int) -> ChildDiskError:
    """The error for a process that has written more."""
    return ChildDiskError(f"wrote more than {format_size(most)}")


class TreeMeter:
    """Requires of a process, and of all that it has started, to stay within bounds.

    Args:
        memory: Bytes of memory that they may use together.
        written: Bytes that they may write together.
    """

    def __init__(self, memory: int, written: int) -> None:
        self._memory = memory
        self._written = written
        self._looked = 0.0

    def look(self, pid: int) -> None:
        """Look now and then at a process that runs.

        Raises:
            ChildMemoryError: Too much memory.
            ChildDiskError: Too many bytes.
        """
        if time.monotonic() - self._looked >= _TREE_EVERY:
            self.measure(pid)
            self._looked = time.monotonic()

    def measure(self, pid: int) -> None:
        """Add up what a process and its children use.

        Raises:
            ChildMemoryError: Too much memory.
            ChildDiskError: Too many bytes.
        """
        tree = _find_tree(pid)
        if sum(map(_own_memory, tree)) > self._memory:
            raise memory_error(self._memory)
        if sum(map(read_written, tree)) > self._written:
            raise disk_error(self._written)


def _pages(pid: int) -> list[int]:
    """Bytes that are resident, and how many of them are of files and shared memory."""
    try:
        with open(f"{_PROC}/{pid}/statm", "rb", buffering=0) as stream:  # noqa: PTH123 - as above
            pages = stream.read().split()[1:3]
    except OSError:
        return []
    size = os.sysconf("SC_PAGE_SIZE")
    return [int(one) * size for one in pages]


def _own_memory(pid: int) -> int:
    """Bytes that are not shared with other processes, as libraries are."""
    pages = _pages(pid)
    return pages[0] - pages[1] if pages else 0


def _find_tree(pid: int) -> list[int]:
    """A process and all that it has started, as long as their parents live."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir(_PROC) if _PROC.is_dir() else ()):  # noqa: PTH208
        try:
            stat = (_PROC / name / "stat").read_bytes()
            parent = int(stat.rpartition(b")")[2].split()[_PARENT])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(name))
    tree = [pid]
    for one in tree:
        tree += children.get(one, ())
    return tree
