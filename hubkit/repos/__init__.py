"""Where the code of hub repos lives once imported: ``hubkit.repos.<tree>.<module>``.

These names stand in pickles. Importing this package is what makes them resolve, so a spawned worker,
or another program that loads such a pickle, needs hubkit importable and nothing else. A tree that
lies in the hub dir is also found when the hub dir is somewhere else by then.

A name of a module must not run code that nobody trusts. So a tree is imported by its name if its
code has run in this process or in the one that started it, or if it is a copy of a trusted repo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.runtime import FINDER, install_finder

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.errors import UntrustedRepoError
    from hubkit.facts import RepoRef
    from hubkit.lockfile import Lockfile
    from hubkit.runtime import CodePolicy

_STORE = "/.hubkit/repos/"


def _open_tree(root: Path) -> tuple[Path, CodePolicy] | None:
    """Where a tree is, and how to import it; None where there is none.

    Raises:
        UntrustedRepoError: Nobody has said that its code may run.
        LockfileError, HashMismatchError: It is not what the lock file in force says.
    """
    from hubkit.hubdir import find_repo_of, get_dir, is_trusted
    from hubkit.runtime import FOLDER, NO_BYTECODE, CodePolicy, find_allowed

    store = _resolve(f"{get_dir()}{_STORE}")
    tree = _resolve(str(root)) if root.is_dir() else _find_moved(root, store)
    if tree is None:
        return None
    repo = find_repo_of(tree) if tree.is_relative_to(store) else None
    digest = find_allowed(tree)
    if digest is None and repo is not None:
        # A tree of another hub dir is the same commit of the same repo as one of that path in ours.
        digest = find_allowed(root)
    if digest is None and (repo is None or not is_trusted(repo)):
        raise _untrusted(tree, repo)
    if repo is None:
        is_fetched = tree.is_relative_to(
            _resolve(get_dir())
        )  # by torch.hub, with all its archive held
        return tree, CodePolicy(bytecode=NO_BYTECODE) if is_fetched else FOLDER
    return tree, _policy_of(tree, repo, digest or "")


def _policy_of(tree: Path, repo: RepoRef, digest: str) -> CodePolicy:
    """How to import a tree of the hub dir, once it is what the lock files in force say."""
    from msgspec.structs import replace

    from hubkit.hubdir import require_digest_of
    from hubkit.hubdir.layout import bytecode_folder, tree_folder
    from hubkit.lockfile import find_lockfile
    from hubkit.runtime import NO_BYTECODE, CodePolicy

    lockfile = find_lockfile(None)
    pins = [digest] if digest else []
    if lockfile is not None:
        pins.append(_find_digest(lockfile, repo, tree))
    if not pins:
        kept = bytecode_folder(tree_folder(repo, tree.name))
        return CodePolicy(is_fixed=True, bytecode=str(kept))
    for pin in pins:
        require_digest_of(tree, replace(repo, ref=tree.name), pin)
    return CodePolicy(is_fixed=True, bytecode=NO_BYTECODE, digest=pins[0], lock=lockfile or digest)


def _untrusted(tree: Path, repo: RepoRef | None) -> UntrustedRepoError:
    from hubkit.errors import UntrustedRepoError

    name = str(tree) if repo is None else repo.full_name
    ways = "Load it in this program first, with hubkit.load"
    if repo is not None:
        ways += f", or trust it: hubkit trust add {name}"
    return UntrustedRepoError(
        f"The code in {tree}, which a module name refers to, is not trusted.",
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


FINDER.open_tree = _open_tree
install_finder()
