"""The files of a tree that were executed: are they still what they were?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ExecutedFiles:
    """Files of one tree.

    Attributes:
        are_fixed: Whether they are never edited, only replaced all at once, as in the hub dir.
    """

    def __init__(self, root: Path) -> None:
        self.are_fixed = False
        self._root = root
        self._folder = _identify(root)
        self._seen: dict[str, tuple[int, int]] = {}

    def note(self, path: str, found: os.stat_result) -> None:
        """Remember how a file is that is about to be executed."""
        self._seen[path] = found.st_mtime_ns, found.st_size

    def are_at(self, folder: str) -> bool:
        """Whether a folder, by whatever path, is the tree and none in its place."""
        return _identify(folder) == self._folder

    def have_changed(self) -> bool:
        """Whether one has been edited or has gone since."""
        if self.are_fixed:
            return not self.are_at(str(self._root))
        # Most of what a warm load of a folder costs. Other threads may be adding to it.
        stat = os.stat
        try:
            for path, (changed_at, size) in [*self._seen.items()]:
                found = stat(path)
                if found.st_mtime_ns != changed_at or found.st_size != size:
                    return True
        except OSError:
            return True
        return False


def _identify(folder: Path | str) -> tuple[int, ...]:
    """What tells a folder, and the hubconf in it, from another in its place."""
    try:
        itself, hubconf = os.stat(folder), os.stat(f"{folder}/hubconf.py")  # noqa: PTH116
    except OSError:
        return ()
    return itself.st_dev, itself.st_ino, hubconf.st_ino, hubconf.st_mtime_ns, hubconf.st_size
