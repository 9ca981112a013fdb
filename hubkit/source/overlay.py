"""A repo's files with other contents in some of them, as they would be once written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubkit.facts import Files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.facts import Entry, Gap


@dataclass(frozen=True, slots=True)
class Overlay(Files):
    """Files whose contents differ from what lies there; one that is not there can be read, too.

    Attributes:
        files: The files as they are.
        changes: What some of them hold instead, by path.
    """

    files: Files
    changes: Mapping[str, bytes]

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.files.root

    @property
    def ref(self) -> str:
        """The commit that was asked for."""
        return self.files.ref

    @property
    def is_tracked(self) -> bool:
        """Whether git tells what is in the tree."""
        return self.files.is_tracked

    def paths(self) -> tuple[str, ...]:
        """Every file, link and submodule."""
        return self.files.paths()

    def entry(self, path: str) -> Entry | None:
        """What lies at a path."""
        return self.files.entry(path)

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return self.files.names(folder)

    def strays(self, folder: str) -> frozenset[str]:
        """Names in a folder that the tree lacks."""
        return self.files.strays(folder)

    def gap(self, path: str) -> Gap | None:
        """Why consumers lack a file."""
        return self.files.gap(path)

    def is_file(self, path: str) -> bool:
        """Whether there is a file, or will be."""
        return path in self.changes or self.files.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self.files.is_folder(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents, the changed ones where there are some."""
        data = self.changes.get(path)
        if data is None:
            return self.files.read(path, limit)
        return data if limit < 0 else data[:limit]
