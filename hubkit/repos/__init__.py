"""Where the code of hub repos lives once imported: ``hubkit.repos.<tree>.<module>``.

These names stand in pickles. Importing this package is what makes them resolve, so a spawned worker,
or another program that loads such a pickle, needs hubkit importable and nothing else. A tree that
lies in the hub dir is also found when the hub dir is somewhere else by then.

A name of a module must not run code that nobody trusts. So a tree is imported by its name if its
code has run in this process or in the one that started it, or if it is a copy of a trusted repo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.runtime.finder import FINDER, install_finder

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.errors import UntrustedRepoError
    from hubkit.facts import RepoRef
    from hubkit.lockfile import Lockfile
    from hubkit.runtime import CodePolicy

_STORE = "/.hubkit/repos/"


def _admit(root: Path) -> tuple[Path, CodePolicy] | None:
    """Where a tree is, and how to import it; None where there is none.

    Raises:
        UntrustedRepoError: Nobody has said that its code may run.
        LockfileError, HashMismatchError: It is not what the lock file in force says.
    """
    from dataclasses import replace

    from hubkit.hubdir import (
        bytecode_folder,
        find_repo_of,
        get_dir,
        is_trusted,
        require_digest_of,
    )
    from hubkit.lockfile import find_lockfile
    from hubkit.runtime import FOLDER, NO_BYTECODE, CodePolicy, is_inherited

    store = _resolve(f"{get_dir()}{_STORE}")
    tree = _resolve(str(root)) if root.is_dir() else _find_moved(root, store)
    if tree is None:
        return None
    repo = find_repo_of(tree) if tree.is_relative_to(store) else None
    # A tree of another hub dir is the same commit of the same repo as one of that path in ours.
    has_run = is_inherited(tree) or (repo is not None and is_inherited(root))
    if not has_run and (repo is None or not is_trusted(repo)):
        raise _untrusted(tree, repo)
    if repo is None:
        return tree, FOLDER
    lockfile = find_lockfile(None)
    if lockfile is not None:
        require_digest_of(tree, replace(repo, ref=tree.name), _find_digest(lockfile, repo, tree))
    kept = NO_BYTECODE if lockfile else str(bytecode_folder(tree))
    return tree, CodePolicy(is_fixed=True, bytecode=kept, lock=lockfile)


def _untrusted(tree: Path, repo: RepoRef | None) -> UntrustedRepoError:
    from hubkit.errors import UntrustedRepoError

    name = str(tree) if repo is None else repo.full_name
    ways = "Load it in this program first, with hubkit.load"
    if repo is not None:
        ways += f", or trust it: hubkit trust add {name}"
    return UntrustedRepoError(
        f"The name of a module asks for code from {tree}, which is not trusted.",
        repo=name,
        hint=f"{ways}.",
    )


def _find_digest(lockfile: Lockfile, repo: RepoRef, tree: Path) -> str:
    """What a lock file says of a tree.

    Raises:
        LockfileError: Nothing.
    """
    from hubkit.errors import LockfileError
    from hubkit.hubdir import parse_repo

    for name, pin in lockfile.repos.items():
        if pin.sha == tree.name and parse_repo(name).full_name == repo.full_name:
            return pin.digest
    raise LockfileError(
        f"{repo.full_name} at {tree.name} is not in the lock file {lockfile.path}.",
        hint=f"Pin it: hubkit lock {repo.full_name}:{tree.name}",
    )


def _resolve(path: str) -> Path:
    from pathlib import Path

    return Path(path).resolve()


def _find_moved(root: Path, store: Path) -> Path | None:
    """Where a tree of some hub dir is in ours."""
    _, found, inside = root.as_posix().partition(_STORE)
    moved = (store / inside).resolve()
    return moved if found and moved.is_relative_to(store) and moved.is_dir() else None


FINDER.admit = _admit
install_finder()
