"""Where things lie in the hub dir.

::

    <hub dir>/
      <owner>_<name>_<ref>       torch's place for a repo: a link into .hubkit, or torch's own folder
      checkpoints/               torch's place for checkpoints, under torch's names
      trusted_list               torch's list of trusted repos
      .hubkit/
        repos/<host>/<owner>/<name>/<sha>/        the code of one commit, never rewritten
        repos/<host>/<owner>/<name>/<sha>.json    where it came from and when
        repos/<host>/<owner>/<name>/<sha>.files   what it consists of
        repos/<host>/<owner>/<name>/default.json  what its default branch is called
        repos/<host>/<owner>/<name>/refs/*.json   which commit a ref was when last asked
        bytecode/<host>/<owner>/<name>/<sha>/     its compiled files, which are not kept in it
        links/*.json                              whose <owner>_<name>_<ref> that is
        checkpoints/*.json                        which URL a checkpoint came from, and its digest
        staging/  quarantine/  locks/             what is being made, what was bad, who is at it
"""

from __future__ import annotations

import functools
import os
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.paths import is_inside
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from hubkit.facts import RepoRef

STORE = ".hubkit"
LONGEST = 180  # bytes of a path component, which leaves room for suffixes

_hub_dir: str | None = None


def get_dir() -> str:
    """The hub dir, by the order of ``torch.hub.get_dir``.

    That is what ``set_dir`` was told, else ``$TORCH_HOME/hub``, else
    ``$XDG_CACHE_HOME/torch/hub``, else ``~/.cache/torch/hub``.
    """
    if _hub_dir is not None:
        return _hub_dir
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))  # noqa: PTH118 - a str it is
    return os.path.join(os.path.expanduser(home), "hub")  # noqa: PTH111, PTH118


def set_dir(d: str | os.PathLike[str]) -> None:
    """Use another hub dir in this process.

    Args:
        d: The folder; made when something is first put there.
    """
    global _hub_dir  # noqa: PLW0603 - torch.hub's own way, and the whole point
    _hub_dir = os.path.expanduser(d)  # noqa: PTH111


def store() -> Path:
    """Hubkit's own part of the hub dir."""
    return within(STORE)


def within(*names: str) -> Path:
    """A path in the hub dir."""
    return _join(get_dir(), *names)


@functools.lru_cache(maxsize=256)  # to make a Path takes longer than to look what is there
def _join(*parts: str) -> Path:
    return Path(*parts)


@functools.lru_cache(maxsize=256)
def encode(name: str) -> str:
    """A name as one path component: what is no letter, digit or ``_ - .`` is percent-encoded.

    A very long one is cut and ends in a hash of the whole, since file systems take 255 bytes.
    """
    encoded = "".join(
        char if re.match(r"[A-Za-z0-9_.-]", char) else "".join(f"%{b:02X}" for b in char.encode())
        for char in name
    )
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) > LONGEST:
        import hashlib

        encoded = f"{encoded[: LONGEST - 17]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return encoded


def identity(repo: RepoRef) -> dict[str, object]:
    """Which repo a record is about."""
    return {"host": repo.host, "owner": repo.owner, "name": repo.name, "scheme": repo.scheme}


def repo_folder(repo: RepoRef) -> Path:
    """Where the trees and records of a repo lie, whatever the ref."""
    # What git fetches has its submodules filled in, which archives leave empty.
    host = f"git+{repo.host}" if repo.uses_git else repo.host
    return _repo_folder(get_dir(), host, repo.owner, repo.name)


@functools.lru_cache(maxsize=256)
def _repo_folder(hub_dir: str, *names: str) -> Path:
    return Path(hub_dir, STORE, "repos", *map(encode, names))


def tree_folder(repo: RepoRef, sha: str) -> Path:
    """Where the code of a commit lies."""
    return repo_folder(repo) / sha


def bytecode_folder(tree: Path) -> Path:
    """Where the compiled files of a tree lie.

    Not in the tree: what an archive, or an older torch.hub, has left there is never run.
    """
    repos = store() / "repos"
    inside = tree.relative_to(repos) if tree.is_relative_to(repos) else Path("torch", tree.name)
    return store() / "bytecode" / inside


def tree_record(repo: RepoRef, sha: str) -> Path:
    """Where it is written down how the code of a commit got there."""
    return repo_folder(repo) / f"{sha}.json"


def default_record(repo: RepoRef) -> Path:
    """Where it is written down what the default branch was."""
    return repo_folder(repo) / "default.json"


def ref_record(repo: RepoRef, ref: str) -> Path:
    """Where it is written down which commit a ref was."""
    return repo_folder(repo) / "refs" / f"{encode(ref)}.json"


def aside_from(path: Path) -> Path:
    """Where a damaged file or folder is moved: out of the way, and not lost.

    One in a folder of the user's may hold work of the user's. It stays there, where nobody tidies.
    """
    inside = is_inside(get_dir(), path.parent)
    return store() / "quarantine" / _aside_name(path) if inside else aside_beside(path)


def aside_beside(path: Path) -> Path:
    """Where a damaged file or folder is moved that has to stay in its folder."""
    return path.with_name(f"{_aside_name(path)}.damaged")


def _aside_name(path: Path) -> str:
    return f"{path.name}.{uuid.uuid4().hex[:8]}"


def lock_file(key: str) -> Path:
    """The lock for whatever the key names."""
    return store() / "locks" / f"{encode(key)}.lock"


def repo_key(repo: RepoRef) -> str:
    """The key of the lock that whoever fetches a repo, or removes it, holds."""
    return f"{repo.host}/{repo.owner}/{repo.name}"


def torch_folder(repo: RepoRef, ref: str) -> Path | None:
    """Where torch.hub keeps a repo at a ref; None for what torch.hub cannot fetch."""
    if repo.host != GITHUB or repo.uses_git:
        return None
    return within(f"{repo.owner}_{repo.name}_{ref.replace('/', '_')}")
