"""A folder of which git has checked out a part: the rest is taken from git's objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubkit.facts import Entry, Files
from hubkit.source.blobs import Blobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hubkit.source.folder import Folder
    from hubkit.source.git import Git

# What git calls tracked files that it keeps out of the work tree.
SKIPPED = "S"
_FILE = "100"


@dataclass(frozen=True, slots=True)
class Sparse(Files):
    """A folder as it would lie there if all that git tracks were checked out.

    Attributes:
        folder: What lies there.
        skipped: By path, mode and object of what git leaves out.
        listings: Names that this adds to each folder.
        blobs: Gives contents.
        git: Gives sizes.
        sizes: Sizes in bytes by object, once they were asked for.
    """

    folder: Folder
    skipped: Mapping[str, tuple[str, str]]
    listings: Mapping[str, frozenset[str]]
    blobs: Blobs
    git: Git
    sizes: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder.root

    def paths(self) -> tuple[str, ...]:
        """All that lies there or is left out, sorted."""
        return tuple(sorted({*self.folder.paths(), *self.skipped}))

    def entry(self, path: str) -> Entry | None:
        """What lies at a path, or would; of size 0 where this clone lacks it."""
        known = self.skipped.get(path)
        if known is None:
            return self.folder.entry(path)
        mode, name = known
        if not self.sizes:
            self.sizes.update(_read_sizes(self.git, (name for _, name in self.skipped.values())))
        return Entry(path, int(mode, 8), self.sizes.get(name, 0))

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return self.folder.names(folder) | self.listings.get(folder, frozenset())

    def is_file(self, path: str) -> bool:
        """Whether there is a file, or would be one."""
        known = self.skipped.get(path)
        return known[0].startswith(_FILE) if known else self.folder.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder, or would be one."""
        return path in self.listings or self.folder.is_folder(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        known = self.skipped.get(path)
        return self.blobs.read(known[1], limit) if known else self.folder.read(path, limit)

    def real_path(self, path: str) -> str | None:
        """The path of what a path leads to; None where that is outside."""
        return path if path in self.skipped else self.folder.real_path(path)


def complete(
    folder: Folder, lines: Mapping[str, str], skipped: set[str], git: Git
) -> Folder | Sparse:
    """A folder with what git leaves out of it.

    Args:
        folder: The folder.
        lines: By path, what git's index says of each tracked file: mode and object first.
        skipped: Those of them that are left out.
        git: Gives their contents.
    """
    if not skipped:
        return folder
    listings: dict[str, set[str]] = {}
    for path in skipped:
        rest = path
        while rest:
            rest, _, name = rest.rpartition("/")
            listings.setdefault(rest, set()).add(name)
    known = {path: (lines[path].split()[0], lines[path].split()[1]) for path in skipped}
    frozen = {inside: frozenset(names) for inside, names in listings.items()}
    return Sparse(folder, known, frozen, Blobs(git), git)


def _read_sizes(git: Git, names: Iterable[str]) -> dict[str, int]:
    """Sizes of objects, from one git process; contents may be huge."""
    asked = "\n".join(dict.fromkeys(names)).encode()
    said = git.try_to("cat-file", "--batch-check=%(objectname) %(objectsize)", given=asked).stdout
    rows = (line.split() for line in said.decode().splitlines())
    return {name: int(size) for name, size in rows if size.isdecimal()}
