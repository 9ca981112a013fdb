"""Making a lock file, filling the hub dir from one, and holding the hub dir against one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from hubkit import hubdir
from hubkit.analysis import read_repo
from hubkit.errors import (
    HubkitError,
    OfflineError,
    RefNotFoundError,
    RepoNotFoundError,
    UsageError,
)
from hubkit.facts import FetchPolicy
from hubkit.lockfile import LockedCheckpoint, LockedRepo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CachedRepo, RepoRef
    from hubkit.lockfile import Lockfile

State = Literal["ok", "behind", "missing", "moved", "changed", "unknown"]


class PinState(Struct, frozen=True):
    """A pin, compared with the hub dir and the host.

    Attributes:
        name: The locked repo, or the URL of the checkpoint.
        state: "ok"; "behind" if the branch has new commits; "missing" from the hub dir; "moved" if
            a tag has another commit; "changed" if the bytes differ; "unknown" if the host could not
            be reached.
        detail: Details as a clause, or "".
    """

    name: str
    state: State
    detail: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether the hub dir matches the lock file."""
        return self.state in ("ok", "behind", "unknown")


def fetch_current(repo: RepoRef) -> CachedRepo:
    """The current commit of a repo's ref; fetched if it is not cached.

    Raises:
        FetchError: It cannot be fetched.
    """
    cached = hubdir.fetch_repo(repo, FetchPolicy(max_age=0))
    if cached.sha is None:  # a folder that torch.hub left does not say what it is
        cached = hubdir.fetch_repo(repo, FetchPolicy(refresh=True))
    return cached


def lock_repo(repo: RepoRef) -> LockedRepo:
    """Pin a repo to the current commit of its ref; fetch it if it is not cached.

    Raises:
        HashMismatchError: Its files in the hub dir were changed since they were fetched.
        FetchError: It cannot be fetched.
    """
    cached = fetch_current(repo)
    assert cached.sha is not None  # noqa: S101 - what is fetched has a commit
    digest = hubdir.digest_of_tree(cached.path)
    hubdir.require_unchanged(cached.path, replace(repo, ref=cached.sha), digest)
    return LockedRepo(cached.sha, digest)


def find_checkpoint_urls(repo: RepoRef) -> tuple[str, ...]:
    """URLs of the checkpoints of a repo that is in the hub dir.

    They are those in its source and those that its code has requested.
    """
    cached = hubdir.find_cached(repo)
    facts = read_repo(cached.path) if cached else None
    uses = facts.hubconf.checkpoints if facts and facts.hubconf else ()
    told = [key for use in uses if use.url is not None and (key := _key(use.url))]
    return tuple(dict.fromkeys([*told, *hubdir.read_requested_urls(repo)]))


def _key(url: str) -> str | None:
    """The key of a URL in source code; None if it cannot be fetched."""
    try:
        return hubdir.key_of(url)
    except UsageError:
        return None


def find_locked_checkpoint(url: str) -> LockedCheckpoint | None:
    """The pin of a checkpoint that is in the hub dir, or None."""
    file = hubdir.find_checkpoint(url)
    return LockedCheckpoint(file.sha256, file.size) if file else None


def lock_checkpoint(url: str) -> LockedCheckpoint:
    """Pin a checkpoint; download it if it is not cached.

    Raises:
        FetchError: It cannot be downloaded.
    """
    found = find_locked_checkpoint(url)
    if found is None:
        path = hubdir.fetch_checkpoint(url, policy=FetchPolicy())
        found = LockedCheckpoint(hubdir.sha256_of(path), path.stat().st_size)
    return found


def fetch_locked_repo(repo: RepoRef, pin: LockedRepo) -> None:
    """Fetch a locked repo, unless the hub dir has it; make its ref known there.

    Raises:
        HashMismatchError: Its files are not those that were locked.
        FetchError: It cannot be fetched, for one of the other reasons.
    """
    policy = FetchPolicy(digest=pin.digest, skip_validation=True)
    hubdir.fetch_repo(replace(repo, ref=pin.sha), policy)
    hubdir.adopt_commit(repo, pin.sha)


def fetch_locked_checkpoint(url: str, pin: LockedCheckpoint) -> None:
    """Fetch a locked checkpoint, unless the hub dir has it.

    Raises:
        HashMismatchError: It is not what was locked.
        FetchError: It cannot be downloaded, for one of the other reasons.
    """
    if find_locked_checkpoint(url) != pin:
        hubdir.fetch_checkpoint(url, hash_prefix=pin.sha256, policy=FetchPolicy())


def check_lockfile(lock: Lockfile) -> Iterator[PinState]:
    """Compare the hub dir, and the present commits of tags, with a lock file; reads all bytes."""
    for name, pin in lock.repos.items():
        yield _check_repo(hubdir.parse_repo(name), name, pin)
    for url, checkpoint in lock.checkpoints.items():
        yield _check_checkpoint(url, checkpoint)


def _check_repo(repo: RepoRef, name: str, pin: LockedRepo) -> PinState:
    cached = hubdir.find_cached(replace(repo, ref=pin.sha))
    if cached is None:
        return PinState(name, "missing", f"commit {pin.sha} is not in the hub dir")
    if hubdir.digest_of_tree(cached.path) != pin.digest:
        return PinState(name, "changed", f"the files in {cached.path} are not those of {pin.sha}")
    return _check_ref(repo, name, pin)


def _check_ref(repo: RepoRef, name: str, pin: LockedRepo) -> PinState:
    try:
        now = hubdir.resolve_ref(repo, FetchPolicy())
    except OfflineError:
        return PinState(name, "ok")
    except (RefNotFoundError, RepoNotFoundError) as error:
        return PinState(name, "moved", error.message)
    except HubkitError as error:
        return PinState(name, "unknown", error.message)
    if now.sha == pin.sha:
        return PinState(name, "ok")
    state: State = "moved" if now.full_name.startswith("refs/tags/") else "behind"
    return PinState(name, state, f"{now.short_name} was {pin.sha} and is {now.sha}")


def _check_checkpoint(url: str, pin: LockedCheckpoint) -> PinState:
    file = hubdir.find_checkpoint(url)
    if file is None:
        return PinState(url, "missing", "it is not in the hub dir")
    actual = hubdir.sha256_of(file.path)
    if actual != pin.sha256:
        return PinState(url, "changed", f"{file.path} has the sha256 {actual}, not {pin.sha256}")
    return PinState(url, "ok")
