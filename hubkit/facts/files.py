"""The files of a repo: a frozen value that reads nothing before it is asked."""

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
        mode: What git writes for it: 0o100644, 0o100755, 0o120000 for a link, 0o160000 for a
            submodule.
        size: In bytes; 0 for a submodule.
    """

    path: str
    mode: int
    size: int

    @property
    def kind(self) -> EntryKind:
        """What it is."""
        return {_LINK: "link", _SUBMODULE: "submodule"}.get(self.mode, "file")  # type: ignore[return-value]


class Gap(Struct, frozen=True):
    """Why consumers do not get a file that its author has.

    Attributes:
        kind: "untracked" and "ignored" for what git does not know or is told not to know,
            "export-ignore" for what git leaves out of archives, "submodule" for what another repo
            holds, "link" for what is reached through a symbolic link.
        path: The file, or the folder, submodule or link above it that decides.
    """

    kind: GapKind
    path: str


class Refs(Struct, frozen=True):
    """A repo's branches and tags.

    Attributes:
        default: The branch that a clone checks out; "" when that cannot be told.
        branches: By name, which commit each is at.
        tags: By name, which object each names.
        lists_all: Whether it is known that the host has no other branches, as they were last fetched.
    """

    default: str
    branches: Mapping[str, str]
    tags: Mapping[str, str]
    lists_all: bool = False


class Files(ABC):
    """A repo's files, as its consumers get them.

    All paths are POSIX, normalised and relative to the root; "" is the root. What lies beside the
    tree (a file that nobody committed) can be read too, so that a rule may tell it from one that is
    not there; ``gap`` says of each file whether consumers lack it.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def root(self) -> Path:
        """The folder that the paths start from, for messages; a commit's need not be there."""

    @property
    def ref(self) -> str:
        """The commit that was asked for, as it was asked; "" for files in a folder."""
        return ""

    @property
    def is_tracked(self) -> bool:
        """Whether git tells what is in the tree, so that it is what an archive would hold."""
        return False

    @abstractmethod
    def paths(self) -> tuple[str, ...]:
        """Every file, link and submodule in the tree, sorted."""

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that end in one of the suffixes, which are in lower case, sorted."""
        return tuple(path for path in self.paths() if path.lower().endswith(suffixes))

    @abstractmethod
    def entry(self, path: str) -> Entry | None:
        """What the tree holds at a path; None when that is nothing or a folder."""

    @abstractmethod
    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder of the tree; none when there is no such folder."""

    def strays(self, folder: str) -> frozenset[str]:  # noqa: ARG002 - a folder has none
        """Names in a folder that can be read, and that the tree lacks."""
        return frozenset()

    def all_names(self, folder: str) -> frozenset[str]:
        """Names in a folder, in the tree or beside it."""
        return self.names(folder) | self.strays(folder)

    def detour(self, path: str) -> Gap | None:  # noqa: ARG002 - a folder of files has none
        """The link or the submodule on the way to a path, itself included; None without one."""
        return None

    def gap(self, path: str) -> Gap | None:  # noqa: ARG002 - a folder has none
        """Why consumers lack a file that can be read here; None when they get it."""
        return None

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:  # noqa: ARG002 - git alone tells quickly
        """Every link, or every submodule, that git tracks, sorted."""
        return ()

    def pointers(self) -> frozenset[str]:
        """Files of the tree of which archives hold an LFS pointer and not the contents."""
        return frozenset()

    def refs(self) -> Refs | None:
        """The repo's branches and tags; None outside git."""
        return None

    @abstractmethod
    def is_file(self, path: str) -> bool:
        """Whether a file can be read at a path, in the tree or beside it.

        Links that stay in the repo are followed.
        """

    @abstractmethod
    def is_folder(self, path: str) -> bool:
        """Whether there is a folder at a path, in the tree or beside it.

        Links that stay in the repo are followed.
        """

    @abstractmethod
    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents; links that stay in the repo are followed.

        Args:
            path: The file.
            limit: How many bytes at most; -1 for all.

        Raises:
            OSError: There is no such file, a link leads outside the repo, or it cannot be read.
        """

    def read_text(self, path: str) -> str:
        """A document's text, as far as it is UTF-8; "" when there is none.

        Args:
            path: The file; of a huge one the beginning is read.
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
    refs = _forward("refs")
    is_file = _forward("is_file")
    is_folder = _forward("is_folder")
    read = _forward("read")
