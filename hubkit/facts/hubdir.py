"""Repos and checkpoints in the hub dir: what is requested, what it resolves to, what is cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

TrustRepo = bool | Literal["check"] | None
GITHUB = "github.com"
_HEX = frozenset("0123456789abcdef")


def is_full_sha(ref: str) -> bool:
    """Whether a ref is a full commit hash, in lower case."""
    return len(ref) in (40, 64) and set(ref) <= _HEX


class RepoRef(Struct, frozen=True):
    """A repo on a git host, and the ref that was asked for.

    Attributes:
        owner: The owner's name; may hold slashes on hosts with groups.
        name: The repo's name.
        ref: Branch, tag or commit as asked, or None for the default branch.
        host: Host name, with the port when it has one; "" for a repo on this machine.
        scheme: "https", or "http" for a loopback host. With "git+" in front the git program does
            the fetching: "git+https", "git+http", "git+ssh", "git+file".
    """

    owner: str
    name: str
    ref: str | None = None
    host: str = GITHUB
    scheme: str = "https"

    @property
    def full_name(self) -> str:
        """``owner/name``, with the host in front unless it is GitHub; the address of a local one."""
        repo = f"{self.owner}/{self.name}"
        if not self.host:
            return f"{self.scheme}:///{quote(repo)}"
        return repo if self.host == GITHUB else f"{self.host}/{repo}"

    @property
    def commit(self) -> str | None:
        """The commit when it was asked for by its full hash.

        A branch or tag may have the same name; it is meant only where ``refs/heads/`` or
        ``refs/tags/`` is in front.
        """
        ref = (self.ref or "").lower()
        return ref if is_full_sha(ref) else None

    @property
    def uses_git(self) -> bool:
        """Whether the git program does the fetching, which brings submodules along."""
        return self.scheme.startswith("git+")

    def __str__(self) -> str:
        if self.uses_git:
            address = f"{self.scheme}://{self.host}/{quote(f'{self.owner}/{self.name}')}"
            return f"{address}@{quote(self.ref)}" if self.ref else address
        return f"{self.full_name}:{self.ref}" if self.ref else self.full_name


class ResolvedRef(Struct, frozen=True):
    """A ref and the commit that it names.

    Attributes:
        repo: What was asked for.
        full_name: Full ref name such as "refs/heads/main", or "" when a commit was asked for.
        sha: The commit, 40 hexadecimal digits (64 in a SHA-256 repo).
        moved_to: The repo of another owner that the host redirected to.
    """

    repo: RepoRef
    full_name: str
    sha: str
    moved_to: RepoRef | None = None

    @property
    def short_name(self) -> str:
        """The branch or tag without its prefix, or the commit when a commit was asked for.

        The prefix stays where the rest alone would be taken for a commit.
        """
        for prefix in ("refs/heads/", "refs/tags/"):
            if self.full_name.startswith(prefix):
                name = self.full_name[len(prefix) :]
                return self.full_name if is_full_sha(name.lower()) else name
        return self.sha


class CachedRepo(Struct, frozen=True):
    """A repo's code in the hub dir.

    Attributes:
        repo: What was asked for.
        path: The folder that holds ``hubconf.py``.
        sha: The commit, or None for a folder that torch.hub left, which does not say.
        from_cache: Whether it was there already.
        fetched_at: Unix time in seconds when the host was last asked, or None when unknown.
        moved_to: The repo of another owner that the code came from by a redirect.
    """

    repo: RepoRef
    path: Path
    sha: str | None
    from_cache: bool
    fetched_at: float | None
    moved_to: RepoRef | None = None


class CachedCheckpoint(Struct, frozen=True):
    """A checkpoint in the hub dir.

    Attributes:
        path: The file.
        sha256: What its digest was when it came, in hexadecimal digits.
        size: Its length in bytes.
    """

    path: Path
    sha256: str
    size: int


class FetchPolicy(Struct, frozen=True):
    """How far to go for something that is not in the hub dir.

    Attributes:
        refresh: Fetch afresh although it is there.
        max_age: Seconds after which the host is asked again whether a branch or tag has moved;
            None never asks again.
        offline: Open no socket.
        progress: Show a bar while downloading, when standard error is a terminal.
        skip_validation: Do not insist that a commit belongs to the repo.
        digest: What the digest of the repo's files must be, or None for any.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for more of a body.
        lock_timeout: Seconds to wait for another process that fetches the same.
    """

    refresh: bool = False
    max_age: float | None = None
    offline: bool = False
    progress: bool = True
    skip_validation: bool = False
    digest: str | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    lock_timeout: float = 600.0


Trouble = Literal["changed", "missing", "added"]
Freshness = Literal["pinned", "current", "behind", "gone", "unknown"]


class KeptTree(Struct, frozen=True):
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


class KeptCheckpoint(Struct, frozen=True):
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


class Leftover(Struct, frozen=True):
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


class Inventory(Struct, frozen=True):
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


class Damage(Struct, frozen=True):
    """Something in the hub dir that is not as it came.

    Attributes:
        item: What it belongs to.
        path: The file.
        kind: What happened to it.
    """

    item: KeptTree | KeptCheckpoint
    path: Path
    kind: Trouble


class RefState(Struct, frozen=True):
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
