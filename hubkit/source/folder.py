"""A repo's files in a folder, taken as they lie there."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hubkit.facts import Entry, Files, Gap
from hubkit.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

_EXECUTABLE, _PLAIN, _LINK = 0o100755, 0o100644, 0o120000


@dataclass(frozen=True, slots=True)
class Folder(Files):
    """All that lies in a folder, but for git's own ``.git``.

    Attributes:
        folder: The folder.
        name: The commit that it holds, as it was asked for; "" for a folder of the user's.
    """

    folder: Path
    name: str = ""

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder

    @property
    def ref(self) -> str:
        """The commit, as it was asked for."""
        return self.name

    def paths(self) -> tuple[str, ...]:
        """Every file and link in it, sorted."""
        found: list[str] = []
        top = os.fspath(self.folder)
        for folder, folders, files in os.walk(top):
            if ".git" in folders:
                folders.remove(".git")
            links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114
            inner = os.path.relpath(folder, top).replace(os.sep, "/")
            prefix = "" if inner == "." else f"{inner}/"
            found += [prefix + name for name in (*files, *links)]
        return tuple(sorted(found))

    def entry(self, path: str) -> Entry | None:
        """What lies at a path; None for nothing and for a folder."""
        return read_entry(self.folder, path)

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return frozenset(list_names(self.folder, folder)) - {".git"}

    def gap(self, path: str) -> Gap | None:
        """The symbolic link on the way to a file, which archives hold as text."""
        return self.detour(path)

    def detour(self, path: str) -> Gap | None:
        """The symbolic link on the way to a path."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            at = "/".join(parts[:end])
            entry = self.entry(at)
            if entry is not None and entry.kind == "link":
                return Gap("link", at)
        return None

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return _is(self.folder, path, os.path.isfile)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return _is(self.folder, path, os.path.isdir)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        return read_bytes(self.folder, path, limit)


def read_entry(root: Path, path: str) -> Entry | None:
    """What lies at a path below a folder, links not followed; None for nothing and for a folder."""
    try:
        status = os.lstat(root / path)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return None
    if stat.S_ISLNK(status.st_mode):
        return Entry(path, _LINK, status.st_size)
    return Entry(path, _EXECUTABLE if status.st_mode & 0o100 else _PLAIN, status.st_size)


def list_names(root: Path, folder: str) -> list[str]:
    """Names in a folder below another; none when it cannot be listed."""
    try:
        return os.listdir(root / folder)  # noqa: PTH208 - names only
    except (OSError, ValueError):
        return []


def read_bytes(root: Path, path: str, limit: int) -> bytes:
    """Contents of a file below a folder, at most ``limit`` bytes of it unless that is -1."""
    file = root / path
    # Opening a pipe or a device would wait for somebody to write to it.
    if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 - one way to the mode, links followed
        raise IsADirectoryError(f"{path} is no file")
    with file.open("rb") as stream:
        return stream.read(limit)


def _is(root: Path, path: str, test: object) -> bool:
    try:
        return bool(test(root / path))  # type: ignore[operator]
    except (OSError, ValueError):
        return False
