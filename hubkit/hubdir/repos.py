"""Repos in the hub dir: find them without the network, and fetch them.

hubkit finds repos by its own records, and by a folder ``<owner>_<name>_<ref>`` only if torch.hub or
the user made it. `hubkit.hubdir.torch_folders` makes such folders for torch.hub.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit._util.logs import log
from hubkit._util.paths import list_folder
from hubkit.errors import TEMPORARY_ERRORS, CacheWriteError, OfflineError, RefNotFoundError
from hubkit.facts import CachedRepo, FetchPolicy, ResolvedRef
from hubkit.facts.hubdir import GITHUB, is_full_sha
from hubkit.hubdir.layout import (
    default_record,
    find_torch_folder,
    folder_record,
    get_dir,
    has_mark,
    is_between,
    is_recent,
    read_record,
    ref_record,
    repo_folder,
    repo_identity,
    repo_key,
    torch_folder,
    tree_folder,
    tree_record,
    write_record,
)
from hubkit.hubdir.spec import parse_repo
from hubkit.hubdir.trust import is_trusted
from hubkit.torchhub import DEFAULT_BRANCHES

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client


def find_cached(repo: RepoRef) -> CachedRepo | None:
    """Find a repo in the hub dir, without a request or a write.

    Args:
        repo: The repo; without a ref, its default branch as of the last check.
    """
    ref = _read_default_ref(repo) if repo.ref is None else repo.ref
    if ref is None:
        return None
    commit = (repo if repo.ref is not None else replace(repo, ref=ref)).commit
    if commit is not None:
        record = read_record(tree_record(repo, commit))
        return _find_tree(repo, ref, {**(record or {}), "sha": commit})
    record = read_record(ref_record(repo, ref))
    # On file systems that ignore case, several refs share one record.
    found = _find_tree(repo, ref, record) if record and record.get("ref") == ref else None
    if found is None and (folder := find_torch_folder(repo, ref)):
        return CachedRepo(repo, folder, None, from_cache=True, fetched_at=None)
    return found


def find_commit(repo: RepoRef, start: str) -> CachedRepo | None:
    """Find a commit of a repo in the hub dir by the start of its hash; None if it is not one."""
    names = [path.name for path in list_folder(repo_folder(repo)) if is_full_sha(path.name)]
    found = [name for name in names if name.startswith(start)]
    return find_cached(replace(repo, ref=found[0])) if len(found) == 1 else None


def fetch_repo(repo: RepoRef, policy: FetchPolicy) -> CachedRepo:
    """Return a repo in the hub dir, fetched if it is missing or if the policy says so.

    Fetching a repo again includes its weights: those that its code downloaded are fetched again when it
    next asks for them. If a copy is older than the policy allows, or if torch.hub's folder of the repo was
    removed or replaced, only its ref is checked: if the branch or tag has moved, the new commit is
    fetched, and the weights stay. If the network fails and there is a copy, it is used, and a warning
    is logged.

    Raises:
        RepoNotFoundError, RefNotFoundError: The host has no such repo or ref.
        AccessDeniedError: The host denies access.
        RateLimitedError, UnreachableError, IncompleteDownloadError: The network failed.
        OfflineError: hubkit is offline, and there is no copy.
        UnsafeArchiveError, HashMismatchError: The download must not be used.
        CacheWriteError, LockTimeoutError: The hub dir cannot be used.
    """
    cached = find_cached(repo)
    if cached is not None and policy.digest is not None:
        cached = _require_locked(cached, policy)
    if cached is not None and not policy.refresh and is_fresh(cached, policy.max_age):
        return cached
    try:
        fetched = _fetch_with_lock(repo, policy)
        return fetched if policy.digest is None else _require_locked(fetched, policy) or fetched
    except OfflineError as error:
        usable = cached or _find_default_guess(repo)
        if usable is None:
            what = _explain_missing(repo) or f"{repo} is not in the hub dir {get_dir()}"
            raise OfflineError(f"{what}, and hubkit is offline.", hint=error.hint) from None
        return usable
    except (*TEMPORARY_ERRORS, CacheWriteError) as error:
        usable = cached or _find_default_guess(repo)
        if usable is None or (policy.refresh and isinstance(error, CacheWriteError)):
            raise
        log.warning("%s Using the copy in %s.", error.message, usable.path)
        return usable


def _require_locked(cached: CachedRepo, policy: FetchPolicy) -> CachedRepo | None:
    """Require that a copy's files match the lock file; None if its commit is unknown.

    Raises:
        HashMismatchError: They do not.
    """
    if cached.sha is None:
        return None
    from hubkit.hubdir.manifest import require_digest_of

    require_digest_of(cached.path, replace(cached.repo, ref=cached.sha), policy.digest)
    return cached


def resolve_ref(repo: RepoRef, policy: FetchPolicy) -> ResolvedRef:
    """Ask the host for the commit of a branch or tag; a full commit hash stays as it is.

    Raises:
        RepoNotFoundError, RefNotFoundError: The host has no such repo or ref.
        OfflineError: hubkit is offline.
        FetchError: The host cannot be reached, or denies access.
    """
    if repo.commit is not None:
        return ResolvedRef(repo, "", repo.commit)
    from hubkit.hubdir.http import Client

    with Client(policy, eager=True) as client:
        return _resolve(client, repo, policy)


def fetch_resolved(resolved: ResolvedRef, policy: FetchPolicy) -> CachedRepo:
    """Return the commit that `resolve_ref` has found, fetched if it is missing.

    Raises:
        FetchError: As for `fetch_repo`.
    """
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.locks import hold

    key = repo_key(resolved.repo)
    with Client(policy, eager=True) as client, hold(key, policy.lock_timeout):
        return _fetch_resolved(client, resolved, policy)


def adopt_commit(repo: RepoRef, sha: str) -> None:
    """Let a branch or tag stand for a commit in the hub dir, unless it stands for another there.

    Loads without a lock file, and torch.hub, find the commit then. The host was not asked, so a load
    with a maximum age asks it.
    """
    if repo.ref is None or repo.commit is not None:
        return
    from hubkit.hubdir.locks import hold

    policy = FetchPolicy()
    with hold(repo_key(repo), policy.lock_timeout):
        if read_record(ref_record(repo, repo.ref)) is None:
            _record_ref(ResolvedRef(repo, "", sha), 0.0, policy)


def is_fresh(cached: CachedRepo, max_age: float | None) -> bool:
    """Whether a copy may be used without asking its host.

    Args:
        cached: The copy. A full commit hash never gets stale.
        max_age: Seconds since the last check; None for any age.
    """
    if cached.repo.commit is not None:
        return True
    return not cached.is_outdated and is_recent(cached.fetched_at, max_age)


def _fetch_with_lock(repo: RepoRef, policy: FetchPolicy) -> CachedRepo:
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.locks import hold

    began = time.time()
    with Client(policy, eager=True) as client, hold(repo_key(repo), policy.lock_timeout):
        # Another process may have fetched it, before this one held the lock.
        cached = find_cached(repo)
        if cached and is_between(cached.fetched_at, began):
            if policy.refresh:
                _forget_checkpoints(repo, began)
            return cached
        if cached and not policy.refresh and is_fresh(cached, policy.max_age):
            return cached
        if cached is None and (fetched := _fetch_branch(client, repo, policy)):
            return fetched
        resolved = _resolve(client, repo, policy)
        if repo.ref is None and cached is None:
            cached = _find_default(resolved, policy)
            if cached is not None:
                return cached
        return _fetch_resolved(client, resolved, policy)


def _fetch_branch(client: Client, repo: RepoRef, policy: FetchPolicy) -> CachedRepo | None:
    """Fetch a branch of a repo of which nothing is cached, with one request less than `_resolve`.

    Resolving its ref first could only save the archive if the commit were cached. None if that does
    not apply, or the repo has no such branch.
    """
    is_usual = repo.host == GITHUB and not repo.uses_git and repo.ref in DEFAULT_BRANCHES
    if not is_usual or repo_folder(repo).exists():
        return None
    from hubkit.hubdir.trees import fetch_branch

    now = time.time()
    resolved = fetch_branch(client, repo, policy)
    return None if resolved is None else _record_ref(resolved, now, policy)


def _find_default(resolved: ResolvedRef, policy: FetchPolicy) -> CachedRepo | None:
    """A fresh copy of the default branch, cached under the name of the branch."""
    repo, ref = resolved.repo, resolved.short_name
    cached = find_cached(replace(repo, ref=ref))
    if cached is None or policy.refresh or not is_fresh(cached, policy.max_age):
        return None
    with contextlib.suppress(CacheWriteError):
        write_record(default_record(repo), {"ref": ref})
    return replace(cached, repo=repo)


def _resolve(client: Client, repo: RepoRef, policy: FetchPolicy) -> ResolvedRef:
    if policy.skip_validation and repo.commit is not None:
        return ResolvedRef(repo, "", repo.commit)
    if repo.uses_git:
        from hubkit.hubdir.git import resolve_ref

        return resolve_ref(repo, policy)
    from hubkit.hubdir.protocol import find_in_history, require_commit_in_history
    from hubkit.hubdir.refs import fetch_refs, find_ref

    refs = fetch_refs(client, repo)
    try:
        resolved = find_ref(refs, repo)
    except RefNotFoundError:
        sha = find_in_history(client, repo, refs)
        if sha is None:
            raise
        resolved = ResolvedRef(repo, "", sha)
    if resolved is None:
        sha = repo.commit or ""
        require_commit_in_history(client, repo, refs, sha)
        resolved = ResolvedRef(repo, "", sha)
    return replace(resolved, moved_to=refs.moved_to)


def _fetch_resolved(client: Client, resolved: ResolvedRef, policy: FetchPolicy) -> CachedRepo:
    """Fetch the tree of a commit, and record which ref led to it."""
    from hubkit.hubdir.trees import fetch_tree

    now = time.time()
    fetch_tree(client, resolved, policy)
    return _record_ref(resolved, now, policy)


def _record_ref(resolved: ResolvedRef, now: float, policy: FetchPolicy) -> CachedRepo:
    """Record which ref led to a tree that is in the hub dir, as of a Unix time."""
    repo = resolved.repo
    ref = repo.ref or resolved.short_name
    # If the tree existed, its own record says where it came from.
    moved = _read_move(read_record(tree_record(repo, resolved.sha)) or {})
    if moved is not None:
        log.warning(
            "%s redirects to %s; the code comes from there", repo.full_name, moved.full_name
        )
    _write_ref_record(replace(resolved, moved_to=moved), ref, now, policy)
    if policy.refresh:
        _forget_checkpoints(repo, now)
    return CachedRepo(repo, tree_folder(repo, resolved.sha), resolved.sha, False, now, moved, ref)


def _forget_checkpoints(repo: RepoRef, before: float) -> None:
    from hubkit.hubdir.checkpoints import forget_checkpoints

    forget_checkpoints(repo, before)


def _write_ref_record(resolved: ResolvedRef, ref: str, now: float, policy: FetchPolicy) -> None:
    """Record the commit of a ref. If that fails, log a warning: the tree exists all the same."""
    repo = resolved.repo
    record = {"ref": ref, "full_name": resolved.full_name, "sha": resolved.sha, "fetched_at": now}
    moved = resolved.moved_to
    if moved is not None:
        from hubkit.hubdir.refs import address_of

        record["moved_to"] = address_of(moved)
    try:
        if repo.ref is None:
            write_record(default_record(repo), {"ref": ref})
        if replace(repo, ref=ref).commit is None:
            write_record(ref_record(repo, ref), record | repo_identity(repo))
    except CacheWriteError as error:
        if policy.refresh:
            raise
        log.warning("The commit of %s cannot be recorded: %s", repo, error.message)
        return
    # torch.hub trusts whatever lies there.
    from hubkit.hubdir.torch_folders import forget_folder, write_folder

    may_write = moved is None or is_trusted(moved)
    path = torch_folder(repo, ref)
    if may_write and path and (is_trusted(repo) or os.path.lexists(path)):
        write_folder(repo, ref, resolved.sha, refresh=policy.refresh)
    else:
        forget_folder(repo, ref)


def _find_tree(repo: RepoRef, ref: str, record: dict[str, object]) -> CachedRepo | None:
    sha, at = record.get("sha"), record.get("fetched_at")
    if not isinstance(sha, str) or not is_full_sha(sha):
        return None
    tree = tree_folder(repo, sha)
    if not is_whole(tree):
        return None
    fetched_at = float(at) if isinstance(at, int | float) else None
    moved = _read_move(record)
    path = torch_folder(repo, ref)
    has_folder = path is not None and has_mark(path)
    is_outdated = path is not None and not has_folder and _is_lost(path, repo)
    return CachedRepo(repo, tree, sha, True, fetched_at, moved, ref, is_outdated, has_folder)


def _is_lost(path: Path, repo: RepoRef) -> bool:
    """Whether hubkit made torch.hub's folder of a repo, and somebody has removed or replaced it."""
    made = read_record(folder_record(path)) or {}
    return made.get("repo") == repo.full_name and not path.is_symlink()


def ensure_folder(cached: CachedRepo) -> None:
    """Make torch.hub's folder for a copy whose code may run, unless it exists.

    torch.hub trusts whatever lies at such a path, so only trusted repos get one.
    """
    if cached.ref and cached.sha and not cached.has_folder:
        from hubkit.hubdir.torch_folders import write_folder

        write_folder(cached.repo, cached.ref, cached.sha, refresh=False)


def _read_move(record: dict[str, object]) -> RepoRef | None:
    moved = record.get("moved_to")
    return parse_repo(moved) if isinstance(moved, str) else None


def _explain_missing(repo: RepoRef) -> str:
    """What a repo's tree lacks; "" if there is no tree."""
    ref = repo.ref or _read_default_ref(repo) or ""
    sha = (read_record(ref_record(repo, ref)) or {}).get("sha", ref.lower())
    tree = tree_folder(repo, sha)
    if not is_full_sha(sha) or not tree.is_dir():
        return ""
    return f"The copy of {repo} in {tree} has no hubconf.py"


def _find_default_guess(repo: RepoRef) -> CachedRepo | None:
    """The branch that torch.hub takes for the default branch when it is offline."""
    if repo.ref is not None:
        return None
    guesses = (find_cached(replace(repo, ref=ref)) for ref in DEFAULT_BRANCHES)
    return next(filter(None, guesses), None)


def _read_default_ref(repo: RepoRef) -> str | None:
    ref = (read_record(default_record(repo)) or {}).get("ref")
    return ref if isinstance(ref, str) else None


def is_whole(tree: Path) -> bool:
    """Whether a tree and its hubconf.py exist. Other files are not checked."""
    if os.path.exists(f"{tree}/hubconf.py"):  # noqa: PTH110 - faster, and part of every load
        return True
    from hubkit.hubdir.manifest import read_manifest

    known = read_manifest(tree) if tree.is_dir() else None
    if known is None:
        return tree.is_dir()
    return all(entry.path != "hubconf.py" for entry in known.entries)
