"""What lies in the hub dir."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hubkit.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts.repos import RepoRef

Trouble = Literal["changed", "missing", "added"]
Freshness = Literal["pinned", "current", "behind", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class KeptTree:
    """The code of one commit.

    Attributes:
        repo: Whose code, without a ref; None for a folder that torch.hub made, which does not say.
        sha: The commit, or "" when unknown.
        refs: Branches and tags that led to it when last asked.
        path: The folder.
        files: How many files it came with, or None when unknown.
        size: Bytes in all.
        fetched_at: Unix time in seconds when it came, or None when unknown.
        used_at: Unix time in seconds when its hubconf was last read, as far as the file system
            tells; never before ``fetched_at``.
    """

    repo: RepoRef | None
    sha: str
    refs: tuple[str, ...]
    path: Path
    files: int | None
    size: int
    fetched_at: float | None
    used_at: float | None

    @property
    def name(self) -> str:
        """The repo's full name, or the folder's name."""
        return self.repo.full_name if self.repo else self.path.name


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint file.

    Attributes:
        path: The file.
        url: Where it came from, without what only signs it; "" when unknown.
        repos: Full names of the repos whose code asked for it.
        sha256: Its digest when it came, or "" when unknown.
        size: Its length in bytes.
        fetched_at: Unix time in seconds when it came, or None when unknown.
        used_at: Unix time in seconds when it was last read, as far as the file system tells.
    """

    path: Path
    url: str
    repos: tuple[str, ...]
    sha256: str
    size: int
    fetched_at: float | None
    used_at: float | None


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that nobody will use again.

    Attributes:
        path: A file or folder.
        kind: "damaged" was put aside because it was not what it should be; "unfinished" was left
            behind by a process that is no more.
        size: Bytes in all.
    """

    path: Path
    kind: Literal["damaged", "unfinished"]
    size: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that lies in the hub dir.

    Attributes:
        root: The hub dir.
        trees: Code, by repo.
        checkpoints: Weights, by path.
        leftovers: What may go.
    """

    root: Path
    trees: tuple[KeptTree, ...]
    checkpoints: tuple[KeptCheckpoint, ...]
    leftovers: tuple[Leftover, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        sizes = [tree.size for tree in self.trees]
        sizes += [file.size for file in self.checkpoints]
        return sum(sizes) + sum(left.size for left in self.leftovers)


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the hub dir that is not as it came.

    Attributes:
        item: What it belongs to.
        path: The file.
        kind: What happened to it.
    """

    item: KeptTree | KeptCheckpoint
    path: Path
    kind: Trouble


@dataclass(frozen=True, slots=True)
class RefState:
    """How a ref in the hub dir stands to its host.

    Attributes:
        repo: The repo and ref.
        state: "pinned" for a commit, "current", "behind", "gone" when the host has no such ref or
            repo any more, "unknown" when it could not be asked.
        sha: The commit in the hub dir, or "" when unknown.
        latest: The commit that the host says, or "".
        detail: Why it is gone or unknown.
    """

    repo: RepoRef
    state: Freshness
    sha: str
    latest: str = ""
    detail: str = ""
