"""The files in a folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubkit._util.paths import read_file, refuse, resolve_inside, walk_files
from hubkit.facts import Entry, Files, Gap

if TYPE_CHECKING:
    from pathlib import Path

_EXECUTABLE, _PLAIN, _LINK = 0o100755, 0o100644, 0o120000


@dataclass(frozen=True, slots=True)
class Folder(Files):
    """All files in a folder except ``.git``.

    Attributes:
        folder: The folder.
        name: The requested commit that it contains; "" for a folder of the user.
        memo: Resolved folders, by path; "" for those outside.
    """

    folder: Path
    name: str = ""
    memo: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder

    @property
    def ref(self) -> str:
        """The requested commit, as requested."""
        return self.name

    def paths(self) -> tuple[str, ...]:
        """Every file and link in it, sorted."""
        return tuple(sorted(walk_files(self.folder, without=".git")))

    def entry(self, path: str) -> Entry | None:
        """The file or link at a path; None for folders and missing paths."""
        place = self.locate(path, follow=False)
        return None if place is None else read_entry(place, path)

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        place = self.locate(folder)
        return frozenset() if place is None else frozenset(list_names(place)) - {".git"}

    def sizes_in(self, folder: str) -> list[tuple[str, int]]:
        """Names and sizes of the files in a folder; empty if it cannot be read."""
        place = self.locate(folder)
        if place is None:
            return []
        try:
            with os.scandir(place) as found:
                return [
                    (entry.name, entry.stat(follow_symlinks=False).st_size)
                    for entry in found
                    if not entry.is_dir(follow_symlinks=False)
                ]
        except OSError:
            return []

    def gap(self, path: str) -> Gap | None:
        """The first symbolic link in a path, which archives contain as text."""
        return self.detour(path)

    def detour(self, path: str) -> Gap | None:
        """The first symbolic link in a path."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            at = "/".join(parts[:end])
            entry = self.entry(at)
            if entry is not None and entry.kind == "link":
                return Gap("link", at)
        return None

    def is_file(self, path: str) -> bool:
        """Whether a path is a file in the folder."""
        place = self.locate(path)
        return place is not None and os.path.isfile(place)  # noqa: PTH113 - a text, not a Path

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder in the folder."""
        place = self.locate(path)
        return place is not None and os.path.isdir(place)  # noqa: PTH112 - a text, not a Path

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        place = self.locate(path)
        if place is None:
            raise refuse(self.folder / path, "it points outside the repo")
        return read_file(place, limit)

    def real_path(self, path: str) -> str | None:
        """The path without links; None if it leads out of the folder."""
        place, root = self.locate(path), self.locate("")
        if place is None or root is None:
            return None
        return os.path.relpath(place, root).replace(os.sep, "/")

    def locate(self, path: str, *, follow: bool = True) -> str | None:
        """Resolve the links in a path; None if they lead out of the folder.

        Args:
            path: The path.
            follow: Whether to resolve a link at the end of the path too.
        """
        above, _, name = path.rpartition("/")
        known = self.memo.get(above)
        if known is None:
            known = self.memo[above] = _resolve(self.folder, above)
        if not known:
            return None
        place = f"{known}/{name}" if name else known
        # Most files are not links, and this check is cheaper than resolving the whole path.
        if name and follow and os.path.islink(place):  # noqa: PTH114 - a text, not a Path
            return _resolve(self.folder, path) or None
        return place


def _resolve(root: Path, path: str) -> str:
    """The resolved path; "" if it is not in the repo."""
    try:
        return os.fspath(resolve_inside(root, path))
    except (OSError, ValueError):
        return ""


def read_entry(place: str, path: str) -> Entry | None:
    """The file or link at a place; None for folders and missing files.

    Args:
        place: Its path on this machine.
        path: Its path in the repo.
    """
    try:
        status = os.lstat(place)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return None
    if stat.S_ISLNK(status.st_mode):
        return Entry(path, _LINK, status.st_size)
    return Entry(path, _EXECUTABLE if status.st_mode & 0o100 else _PLAIN, status.st_size)


def list_names(folder: str) -> list[str]:
    """Names in a folder; empty if it cannot be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names only
    except (OSError, ValueError):
        return []
