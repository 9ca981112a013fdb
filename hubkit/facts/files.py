"""The files of a repo: a frozen value that reads on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What git writes into trees, see "git help fast-import".
_LINK, _SUBMODULE = 0o120000, 0o160000

EntryKind = Literal["file", "link", "submodule"]
GapKind = Literal["untracked", "ignored", "export-ignore", "submodule", "link"]


class Entry(Struct, frozen=True):
    """One file of a tree.

    Attributes:
        path: POSIX path from the repo's root.
        mode: As in git: 0o100644, 0o100755, 0o120000 for a link, 0o160000 for a submodule.
        size: In bytes; 0 for a submodule.
    """

    path: str
    mode: int
    size: int

    @property
    def kind(self) -> EntryKind:
        """Whether it is a file, a link or a submodule."""
        return {_LINK: "link", _SUBMODULE: "submodule"}.get(self.mode, "file")  # type: ignore[return-value]


class Gap(Struct, frozen=True):
    """Why consumers do not get a file that its author has.

    Attributes:
        kind: "untracked" or "ignored" by git, left out of archives by "export-ignore", in a
            "submodule", or behind a symbolic "link".
        path: The file, or the folder, submodule or link above it that is the cause.
    """

    kind: GapKind
    path: str


class Refs(Struct, frozen=True):
    """A repo's branches and tags.

    Attributes:
        default: The branch that a clone checks out; "" if unknown.
        branches: The commit of each branch, by name.
        tags: The object of each tag, by name.
        lists_all: Whether all branches that the host had at the last fetch are included.
        remote: The URL of ``origin``; "" without one.
    """

    default: str
    branches: Mapping[str, str]
    tags: Mapping[str, str]
    lists_all: bool = False
    remote: str = ""


class Files(ABC):
    """A repo's files, as its consumers get them.

    All paths are POSIX, normalized and relative to the root; "" is the root. Files that are not in
    the tree, such as untracked ones, can be read too, so that rules can distinguish them from
    missing ones. ``gap`` returns why consumers lack a file.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def root(self) -> Path:
        """The folder that paths start from, for messages; that of a commit need not exist."""

    @property
    def ref(self) -> str:
        """The requested commit, as requested; "" for files in a folder."""
        return ""

    @property
    def is_tracked(self) -> bool:
        """Whether git lists the tree, so that it is the same as in an archive."""
        return False

    @abstractmethod
    def paths(self) -> tuple[str, ...]:
        """Every file, link and submodule in the tree, sorted."""

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """The paths that end in one of the suffixes, which are in lower case, sorted."""
        return tuple(path for path in self.paths() if path.lower().endswith(suffixes))

    @abstractmethod
    def entry(self, path: str) -> Entry | None:
        """The file, link or submodule at a path of the tree; None for folders and missing paths."""

    @abstractmethod
    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder of the tree; empty if it does not exist."""

    def strays(self, folder: str) -> frozenset[str]:  # noqa: ARG002 - a folder has none
        """Names in a folder that are not in the tree."""
        return frozenset()

    def all_names(self, folder: str) -> frozenset[str]:
        """Names in a folder, in the tree or not."""
        return self.names(folder) | self.strays(folder)

    def detour(self, path: str) -> Gap | None:  # noqa: ARG002 - a folder of files has none
        """The first link or submodule in a path, including its end; None without one."""
        return None

    def gap(self, path: str) -> Gap | None:  # noqa: ARG002 - a folder has none
        """Why consumers lack a file that can be read here; None if they get it."""
        return None

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:  # noqa: ARG002 - only git lists them quickly
        """All tracked links, or all tracked submodules, sorted."""
        return ()

    def pointers(self) -> frozenset[str]:
        """Files of the tree that are only LFS pointers in archives."""
        return frozenset()

    def large_entries(self, total: int, single: int) -> tuple[Entry, ...]:
        """All files of a large tree, the largest first; empty if the tree is not large.

        A report that depends on this, and not on the size of each file, stays valid if a file of a
        small tree grows.

        Args:
            total: Bytes that all files may have together.
            single: Bytes that a single file may have.
        """
        sizes = self._sizes()
        if sum(sizes) <= total and max(sizes, default=0) <= single:
            return ()
        entries = (entry for path in self.paths() if (entry := self.entry(path)))
        return tuple(sorted(entries, key=lambda entry: -entry.size))

    def _sizes(self) -> tuple[int, ...]:
        """The sizes of all files, in no order."""
        return tuple(entry.size for path in self.paths() if (entry := self.entry(path)))

    def refs(self) -> Refs | None:
        """The repo's branches and tags; None outside git."""
        return None

    @abstractmethod
    def is_file(self, path: str) -> bool:
        """Whether a path is a file, in the tree or not.

        Links that stay in the repo are followed.
        """

    @abstractmethod
    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder, in the tree or not.

        Links that stay in the repo are followed.
        """

    @abstractmethod
    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents; links that stay in the repo are followed.

        Args:
            path: The file.
            limit: Maximum number of bytes; -1 for all.

        Raises:
            OSError: There is no such file, a link leads outside the repo, or it cannot be read.
        """

    def read_text(self, path: str) -> str:
        """The text of a document, read as UTF-8; "" if it cannot be read.

        Args:
            path: The file; only the start of a huge one is read.
        """
        try:
            return self.read(path, limits.DOCUMENT_BYTES.most).decode("utf-8-sig", errors="replace")
        except (OSError, ValueError):
            return ""


def _forward(method: str) -> Any:  # noqa: ANN401 - has the type of the method that it overrides
    def forward(self: WrappedFiles, *arguments: Any) -> Any:  # noqa: ANN401
        return self.call(method, *arguments)

    return forward


@dataclass(frozen=True, slots=True)
class WrappedFiles(Files):
    """Files that forward each call to other files; subclasses override what differs.

    Attributes:
        files: The other files.
    """

    files: Files

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        """Call a method of the other files."""
        return getattr(self.files, method)(*arguments)

    @property
    def root(self) -> Path:
        """The folder that the paths start from."""
        return self.files.root

    @property
    def ref(self) -> str:
        """The requested commit."""
        return self.files.ref

    @property
    def is_tracked(self) -> bool:
        """Whether git tracks the files."""
        return self.files.is_tracked

    paths = _forward("paths")
    paths_ending = _forward("paths_ending")
    entry = _forward("entry")
    names = _forward("names")
    strays = _forward("strays")
    all_names = _forward("all_names")
    detour = _forward("detour")
    gap = _forward("gap")
    of_kind = _forward("of_kind")
    pointers = _forward("pointers")
    large_entries = _forward("large_entries")
    refs = _forward("refs")
    is_file = _forward("is_file")
    is_folder = _forward("is_folder")
    read = _forward("read")
