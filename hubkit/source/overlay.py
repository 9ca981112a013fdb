"""A repo's files with changed contents, as after a fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubkit.facts import WrappedFiles

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Overlay(WrappedFiles):
    """Files with other contents in some of them. A new file can be read, but is not in the tree.

    Attributes:
        changes: The other contents, by path.
    """

    changes: Mapping[str, bytes]

    def is_file(self, path: str) -> bool:
        """Whether a path is a file, also with the changes."""
        return path in self.changes or self.files.is_file(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """The contents of a file, as changed."""
        data = self.changes.get(path)
        if data is None:
            return self.files.read(path, limit)
        return data if limit < 0 else data[:limit]
