"""Repos and checkpoints in the hub dir: what is requested, what it resolves to, what is cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

TrustRepo = bool | Literal["check"] | None
GITHUB = "github.com"
SHORTEST_SHA = 7  # digits, as git abbreviates
_HEX = frozenset("0123456789abcdef")


def is_full_sha(ref: str) -> bool:
    """Whether a ref is a full commit hash, in lower case."""
    return len(ref) in (40, 64) and set(ref) <= _HEX


def is_abbreviated_sha(ref: str) -> bool:
    """Whether a ref may be the start of a commit hash, in lower case."""
    return SHORTEST_SHA <= len(ref) <= 64 and set(ref) <= _HEX


class RepoRef(Struct, frozen=True):
    """A repo on a git host, and the requested ref.

    Attributes:
        owner: The name of the owner; may contain slashes on hosts with groups.
        name: The repo's name.
        ref: The requested branch, tag or commit; None for the default branch.
        host: Host name, with the port if it has one; "" for a repo on this machine.
        scheme: "https", or "http" for a loopback host. With "git+" in front, the git program
            fetches it: "git+https", "git+http", "git+ssh", "git+file".
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
        """The commit, if the ref is its full hash.

        A branch or tag may have the same name; it is meant only where ``refs/heads/`` or
        ``refs/tags/`` is in front.
        """
        ref = (self.ref or "").lower()
        return ref if is_full_sha(ref) else None

    @property
    def uses_git(self) -> bool:
        """Whether the git program fetches it, including submodules."""
        return self.scheme.startswith("git+")

    def __str__(self) -> str:
        if self.uses_git:
            address = f"{self.scheme}://{self.host}/{quote(f'{self.owner}/{self.name}')}"
            return f"{address}@{quote(self.ref)}" if self.ref else address
        return f"{self.full_name}:{self.ref}" if self.ref else self.full_name


class ResolvedRef(Struct, frozen=True):
    """A ref and its commit.

    Attributes:
        repo: The requested repo and ref.
        full_name: Full ref name such as "refs/heads/main"; "" for a commit.
        sha: The commit, 40 hexadecimal digits (64 in a SHA-256 repo).
        moved_to: The repo of another owner that the host redirected to.
    """

    repo: RepoRef
    full_name: str
    sha: str
    moved_to: RepoRef | None = None

    @property
    def short_name(self) -> str:
        """The branch or tag without its prefix, or the requested commit.

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
        repo: The requested repo and ref.
        path: The folder that contains ``hubconf.py``.
        sha: The commit; None if unknown, as for folders of torch.hub.
        from_cache: Whether it was cached already.
        fetched_at: Unix time in seconds of the last check with the host, or None if unknown.
        moved_to: The repo of another owner that the code came from by a redirect.
        ref: The ref, also where the repo was requested without one; None if unknown.
        is_outdated: Whether the ref must be checked, because somebody removed or replaced torch.hub's
            folder of the repo.
        has_folder: Whether torch.hub's folder of the repo is a copy that hubkit made.
    """

    repo: RepoRef
    path: Path
    sha: str | None
    from_cache: bool
    fetched_at: float | None
    moved_to: RepoRef | None = None
    ref: str | None = None
    is_outdated: bool = False
    has_folder: bool = False


class CachedCheckpoint(Struct, frozen=True):
    """A checkpoint in the hub dir.

    Attributes:
        path: The file.
        sha256: Its digest when it was downloaded, in hexadecimal digits.
        size: Its length in bytes.
    """

    path: Path
    sha256: str
    size: int


class FetchPolicy(Struct, frozen=True):
    """What may be done to fetch a repo or file.

    Attributes:
        refresh: Fetch it even if it is cached.
        max_age: Seconds after which to check again whether a branch or tag has moved; None never
            checks.
        offline: Open no socket.
        progress: Show on standard error how far a download is.
        skip_validation: Do not check that a commit belongs to the repo.
        digest: The required digest of the repo's files, or None.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes.
        lock_timeout: Seconds to wait for another process that fetches the same thing.
        waits: Whether to wait briefly for a host that limits the rate, before that is an error.
        pause: Seconds to wait before the second try, doubled before each further one.
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
    waits: bool = True
    pause: float = 0.5


Trouble = Literal["changed", "missing", "added"]
Freshness = Literal["pinned", "current", "behind", "gone", "unknown"]


class KeptTree(Struct, frozen=True):
    """The code of one commit.

    Attributes:
        repo: The repo, without a ref; None if unknown, as for folders of torch.hub.
        sha: The commit; "" if unknown.
        refs: Branches and tags that pointed to it at the last check.
        path: The folder.
        files: Number of downloaded files; None if unknown.
        size: Total size in bytes.
        fetched_at: Unix time of the download in seconds; None if unknown.
        used_at: Unix time in seconds when its hubconf was last read, according to the file system;
            never before ``fetched_at``.
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
        url: Its URL without signature; "" if unknown.
        repos: Full names of the repos whose code requested it.
        sha256: Its digest when it was downloaded; "" if unknown.
        size: Its length in bytes.
        fetched_at: Unix time of the download in seconds; None if unknown.
        used_at: Unix time in seconds when it was last read, according to the file system.
    """

    path: Path
    url: str
    repos: tuple[str, ...]
    sha256: str
    size: int
    fetched_at: float | None
    used_at: float | None


class Leftover(Struct, frozen=True):
    """Something that will not be used again.

    Attributes:
        path: A file or folder.
        kind: "damaged" if it was moved aside because its contents were wrong; "unfinished" if its
            process has ended.
        size: Total size in bytes.
    """

    path: Path
    kind: Literal["damaged", "unfinished"]
    size: int


class Inventory(Struct, frozen=True):
    """The contents of the hub dir.

    Attributes:
        root: The hub dir.
        trees: Code, sorted by repo.
        checkpoints: Weights, sorted by path.
        leftovers: Files that may be removed.
    """

    root: Path
    trees: tuple[KeptTree, ...]
    checkpoints: tuple[KeptCheckpoint, ...]
    leftovers: tuple[Leftover, ...]

    @property
    def size(self) -> int:
        """Total size in bytes."""
        sizes = [tree.size for tree in self.trees]
        sizes += [file.size for file in self.checkpoints]
        return sum(sizes) + sum(left.size for left in self.leftovers)


class Damage(Struct, frozen=True):
    """A file in the hub dir that has changed since its download.

    Attributes:
        item: The tree or checkpoint.
        path: The file.
        kind: What happened to it.
    """

    item: KeptTree | KeptCheckpoint
    path: Path
    kind: Trouble


class RefState(Struct, frozen=True):
    """A ref in the hub dir, compared with its host.

    Attributes:
        repo: The repo and ref.
        state: "pinned" for a commit, "current", "behind", "gone" if the ref or repo no longer
            exists, "unknown" if the host could not be reached.
        sha: The commit in the hub dir, or "" if unknown.
        latest: The commit on the host, or "".
        detail: Why it is gone or unknown.
    """

    repo: RepoRef
    state: Freshness
    sha: str
    latest: str = ""
    detail: str = ""
