"""Is a tree in the hub dir, to the byte, what a lock file says?

Every byte is read when a process first asks. After that a tree whose files have the same inodes,
sizes and times is taken as the same. What the hub dir itself has written down about a tree counts
for nothing here: whoever can edit the code can edit that too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hubkit.hubdir.filenames import is_left_by_python
from hubkit.hubdir.manifest import digest_of_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Stamp = tuple[str, int, int, int, int, int]

_known: dict[str, tuple[frozenset[Stamp], str]] = {}


def read_digest(tree: Path) -> str:
    """The digest of a tree as it is now, like that of its manifest.

    Args:
        tree: The tree's folder.
    """
    stamps = frozenset(_read_stamps(str(tree)))
    known = _known.get(str(tree))
    if known is not None and known[0] == stamps:
        return known[1]
    digest = digest_of_tree(tree)
    _known[str(tree)] = stamps, digest
    return digest


def _read_stamps(tree: str) -> Iterator[Stamp]:
    """What changes with any file; the time of the last change of status cannot be set at will."""
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114
        for name in (*files, *links):
            path = f"{folder}/{name}"
            if not is_left_by_python(path):
                found = os.lstat(path)
                times = found.st_mtime_ns, found.st_ctime_ns
                yield path, found.st_ino, found.st_mode, found.st_size, *times
