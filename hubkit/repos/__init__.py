"""Where the code of hub repos lives once imported: ``hubkit.repos.<repo>.<module>``.

These names stand in pickles: ``hubkit.repos.github_com__acme__net__1a2b3c4d5e6f.models``. Importing
this package is what makes them resolve, so a spawned worker, or another program that loads such a
pickle, needs hubkit importable and nothing else. A repo that is not in the hub dir is fetched.

A name of a module must not run code that nobody trusts. So a repo is imported by its name if its
code has run in this process or in the one that started it, or if it is trusted.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.runtime import FINDER, install_finder

if TYPE_CHECKING:
    from hubkit.errors import UntrustedRepoError
    from hubkit.facts import CachedRepo, RepoRef
    from hubkit.lockfile import LockedRepo, Lockfile
    from hubkit.runtime import AllowedTree, CodePolicy

# Spelled a path, in the hub dir that of a commit.
_OLD_NAME = r"_S.*?(?:_S([0-9a-f]{40}))?(?:_E[0-9]+)?"


def _open_tree(name: str) -> tuple[Path, CodePolicy] | None:
    """Where the code of a package is, and how to import it; None if its name means no repo.

    Raises:
        ModuleNotFoundError: The folder does not exist any more.
        UntrustedRepoError: Nobody has said that its code may run.
        LockfileError, HashMismatchError: It is not what the lock file in force says.
        FetchError: It is not in the hub dir, and cannot be fetched.
    """
    from hubkit.runtime import PREFIX, read_allowed

    allowed = read_allowed().get(PREFIX + name)
    found = _read_name(name)
    if found is None:
        return _open_folder(name, allowed)
    repo, sha = found
    if allowed is None or not Path(allowed.root).is_dir():
        tree = _find_tree(repo, sha, is_allowed=allowed is not None).resolve()
    else:
        tree = Path(allowed.root)
    from hubkit.hubdir import hold_tree

    hold_tree(tree)
    return tree, _policy_of(tree, repo, allowed.digest if allowed else "", name)


def _open_folder(name: str, allowed: AllowedTree | None) -> tuple[Path, CodePolicy] | None:
    from hubkit.errors import UntrustedRepoError
    from hubkit.hubdir import get_dir
    from hubkit.runtime import FOLDER, NO_BYTECODE, PREFIX, CodePolicy, read_folder_name

    folder = read_folder_name(name)
    if allowed is None and folder is None:
        return None
    if allowed is None:
        raise UntrustedRepoError(
            f"The name hubkit.repos.{name} refers to a folder {folder!r}, which is not loaded.",
            repo=str(folder),
            hint="Load a folder of that name in this program first, with hubkit.load.",
        )
    root = Path(allowed.root)
    if not root.is_dir():
        raise ModuleNotFoundError(
            f"There is no hub repo at {root}. Load it again with hubkit.load.", name=PREFIX + name
        )
    # A folder in the hub dir is one that torch.hub fetched, with all that the archive held.
    is_fetched = root.is_relative_to(Path(get_dir()).resolve())
    return root, CodePolicy(bytecode=NO_BYTECODE) if is_fetched else FOLDER


def _read_name(name: str) -> tuple[RepoRef, str] | None:
    """The repo that a name spells, and the start of its commit's hash."""
    from hubkit.errors import RepoSpecError
    from hubkit.hubdir import parse_repo
    from hubkit.runtime import read_repo_name

    if old := re.fullmatch(_OLD_NAME, name):
        return _find_by_sha(old[1], name)
    found = read_repo_name(name)
    if found is None:
        return None
    repo = found[0]
    address = (
        str(repo) if repo.uses_git else f"{repo.scheme}://{repo.host}/{repo.owner}/{repo.name}"
    )
    try:
        return found if parse_repo(address) == repo else None
    except RepoSpecError:
        return None


def _find_by_sha(sha: str | None, name: str) -> tuple[RepoRef, str]:
    from hubkit.hubdir import read_inventory
    from hubkit.runtime import PREFIX

    for tree in read_inventory().trees:
        if sha is not None and tree.sha == sha and tree.repo is not None:
            return tree.repo, sha
    what = f"commit {sha}, which is not in the hub dir. Load" if sha else "a folder. Save"
    how = (
        "that commit of the repo with hubkit.load"
        if sha
        else "the model's state dict with that version"
    )
    raise ModuleNotFoundError(
        f"{PREFIX}{name} is the name that an older version of hubkit gave to {what} {how}.",
        name=PREFIX + name,
    )


def _find_tree(repo: RepoRef, sha: str, *, is_allowed: bool) -> Path:
    """The tree of a commit in the hub dir, fetched if necessary.

    Args:
        repo: The repo.
        sha: The start of the commit's hash.
        is_allowed: Whether the process that started this one has run it.
    """
    from hubkit.hubdir import find_commit, is_trusted

    if not is_allowed and not is_trusted(repo):
        raise _untrusted(repo, sha)
    cached = find_commit(repo, sha) or _fetch(repo, sha)
    if not is_allowed and cached.moved_to is not None and not is_trusted(cached.moved_to):
        raise _untrusted(cached.moved_to, sha)
    return cached.path


def _fetch(repo: RepoRef, sha: str) -> CachedRepo:
    from msgspec.structs import replace

    from hubkit.errors import RefNotFoundError
    from hubkit.facts import FetchPolicy
    from hubkit.hubdir import fetch_repo, resolve_ref
    from hubkit.lockfile import find_lockfile

    lockfile = find_lockfile(None)
    if lockfile is not None:
        pin = _find_pin(lockfile, repo, sha)
        policy = FetchPolicy(digest=pin.digest, skip_validation=True)
        return fetch_repo(replace(repo, ref=pin.sha), policy)
    full = resolve_ref(replace(repo, ref=sha), FetchPolicy()).sha
    if not full.startswith(sha):
        raise RefNotFoundError(
            f"{sha} of {repo.full_name} is not the commit that a module name refers to, but a branch"
            " or tag.",
            hint="Load the repo in this program first, by the commit's full hash.",
        )
    return fetch_repo(replace(repo, ref=full), FetchPolicy(skip_validation=True))


def _policy_of(tree: Path, repo: RepoRef, digest: str, name: str) -> CodePolicy:
    """How to import a tree of a repo, once it is what the lock files in force say."""
    from msgspec.structs import replace

    from hubkit.hubdir import bytecode_folder, get_dir, require_digest_of
    from hubkit.lockfile import find_lockfile
    from hubkit.runtime import NO_BYTECODE, CodePolicy, strip_edition

    repo = replace(repo, ref=tree.name)
    lockfile = find_lockfile(None)
    pins = [digest] if digest else []
    if lockfile is not None:
        pins.append(_find_pin(lockfile, repo, tree.name).digest)
    for pin in pins:
        require_digest_of(tree, repo, pin)
    is_ours = tree.is_relative_to(Path(get_dir()).resolve())
    return CodePolicy(
        is_fixed=True,
        bytecode=str(bytecode_folder(tree)) if is_ours and not pins else NO_BYTECODE,
        digest=next(iter(pins), ""),
        lock=(lockfile or digest) if pins else None,
        package=strip_edition(name),
        label=str(repo),
    )


def _find_pin(lockfile: Lockfile, repo: RepoRef, sha: str) -> LockedRepo:
    """What a lock file says of a commit.

    Raises:
        LockfileError: Nothing.
    """
    from hubkit.errors import LockfileError
    from hubkit.hubdir import parse_repo

    for name, pin in lockfile.repos.items():
        if pin.sha.startswith(sha) and parse_repo(name).full_name == repo.full_name:
            return pin
    raise LockfileError(
        f"{repo.full_name} at {sha} is not in the lock file {lockfile.path}.",
        hint=f"Pin it: hubkit lock {repo.full_name}:{sha}",
    )


def _untrusted(repo: RepoRef, sha: str) -> UntrustedRepoError:
    from hubkit.errors import UntrustedRepoError

    name = repo.full_name
    return UntrustedRepoError(
        f"The code of {name} at {sha}, to which a module name refers, is not trusted.",
        repo=name,
        hint="Load it in this program first, with hubkit.load, or trust it: "
        f"hubkit trust add {name}.",
    )


FINDER.open_tree = _open_tree
install_finder()
