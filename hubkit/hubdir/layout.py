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

import errno
import functools
import math
import os
import re
import time
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit import limits
from hubkit._util.atomic import write_file
from hubkit._util.parse import parse_count, read_json
from hubkit._util.paths import (
    UnsafePathError,
    is_folder,
    is_inside,
    list_folder,
    move_inside,
    remove_inside,
    require_no_link_above,
)
from hubkit.errors import CacheWriteError, HubkitError
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    return hub_path(STORE)


def hub_path(*names: str) -> Path:
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


def repo_identity(repo: RepoRef) -> dict[str, object]:
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


def _quarantine_path(path: Path) -> Path:
    """Where a damaged file or folder is moved: out of the way, and not lost.

    One in a folder of the user's may hold work of the user's. It stays there, where nobody tidies.
    """
    inside = is_inside(get_dir(), path.parent)
    return store() / "quarantine" / _aside_name(path) if inside else _damaged_path(path)


def _damaged_path(path: Path) -> Path:
    """Where a damaged file or folder is moved that has to stay in its folder."""
    return path.with_name(f"{_aside_name(path)}.damaged")


def _aside_name(path: Path) -> str:
    return f"{path.name}.{os.urandom(4).hex()}"


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
    return hub_path(f"{repo.owner}_{repo.name}_{ref.replace('/', '_')}")


TEMPORARY_PREFIX = (
    ".hubkit-"  # starts the names of records in the making outside hubkit's own folder
)
TEMPORARY_PATTERN = (
    f"{TEMPORARY_PREFIX}*.*.{'[0-9a-f]' * 16}"  # finds them, and no file of the user's
)

_REASONS = {
    errno.ENOSPC: ("The disk is full", "Free some space"),
    errno.EDQUOT: ("The disk quota is used up", "Free some space"),
    errno.EROFS: ("The file system is read-only", "Make it writable"),
    errno.EACCES: ("It may not be written", "Get the right to write there"),
    errno.EPERM: ("It may not be written", "Get the right to write there"),
}

# What the fields of records are, whichever record they are in; others may be anything.
_TEXTS = (
    "archive_sha256 digest etag full_name host last_modified led_by name owner path ref repo scheme "
    "sha sha256 url"
)
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS.split(), str),
    **dict.fromkeys(("files", "mtime_ns", "pid", "size"), int),
    **dict.fromkeys(("asked_at", "fetched_at"), (int, float)),
    "previous": dict,
    "repos": list,
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk says while a path is written into a `CacheWriteError`."""
    try:
        yield
    except HubkitError:
        raise  # some are OSErrors too, and say more than we could
    except UnsafePathError as error:
        raise CacheWriteError(
            f"{error.filename} is not changed: {error.strerror}.",
            hint="hubkit writes and removes only its own regular files in the hub dir. "
            f"If it should not be there, remove it. The hub dir is {get_dir()}",
        ) from error
    except OSError as error:
        reason, remedy = _REASONS.get(error.errno or 0, (str(error), "Look at the folder"))
        raise CacheWriteError(
            f"{path} cannot be written. {reason}.",
            hint=f"{remedy}, or use another hub dir: set TORCH_HOME. This one is {get_dir()}",
        ) from error


def read_record(path: Path, *, own: bool = False) -> dict[str, Any] | None:
    """A record, or None when there is none or it is damaged.

    Args:
        path: The file.
        own: Whether somebody else's counts as none.
    """
    try:
        record = read_json(path, limits.RECORD_BYTES, own=own)
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and _is_sound(record) else None


def _is_sound(record: dict[str, Any]) -> bool:
    return all(_fits(value, _KINDS[name]) for name, value in record.items() if name in _KINDS)


def _fits(value: object, kind: type | tuple[type, ...]) -> bool:
    if not isinstance(value, kind):
        return False
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, dict):
        return _is_sound(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or (-1 << 63) <= value < 1 << 63


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Put a record in place, whole, whatever was there.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    import json

    temporary = _temporary_path(path)
    with writing(path):
        if path.is_relative_to(store()):
            for place in (path, temporary):
                require_no_link_above(get_dir(), place)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps(record, indent=1, sort_keys=True), temporary=temporary)


def move_to_quarantine(root: Path, path: Path) -> Path:
    """Move something damaged out of the way, without losing it.

    Args:
        root: The folder that it has to lie in.
        path: What is moved.

    Returns:
        Where it lies now.

    Raises:
        CacheWriteError: It lies outside of the folder, or cannot be moved.
    """
    aside = _quarantine_path(path)
    with writing(aside):
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:
            move_inside(root, path, aside)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            aside = _damaged_path(path)
            move_inside(root, path, aside)
    return aside


def unique_name() -> str:
    """A name that nobody else takes, and that tells whether who took it is still there."""
    import socket

    return f"{socket.gethostname()}.{os.getpid()}.{os.urandom(8).hex()}"


def _temporary_path(path: Path) -> Path:
    """Where a record is written first: where what killed processes leave is swept up."""
    if path.is_relative_to(store()):
        return store() / "staging" / "records" / unique_name()
    return path.with_name(f"{TEMPORARY_PREFIX}{unique_name()}")


DAY = 86400.0


@contextmanager
def staging(key: str) -> Iterator[Path]:
    """A folder of one's own on the hub dir's file system, gone afterwards.

    What killed processes left for the same key is removed first. The names say whose things are,
    and only a process of this machine that is no more, or a day without change, counts as dead:
    locks lie on some file systems.

    Args:
        key: One path component; callers hold the lock of the same name.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    parent = store() / "staging" / key
    folder = parent / unique_name()
    with writing(folder):
        require_no_link_above(get_dir(), folder)
        folder.mkdir(parents=True)
    try:
        remove_orphans(parent, root=Path(get_dir()))
        remove_orphans(store() / "staging" / "records", root=Path(get_dir()))
        yield folder
    finally:
        with suppress(OSError):
            remove_inside(parent, folder)
        _remove_if_empty(parent)


def remove_orphans(folder: Path, pattern: str = "*", *, root: Path | None = None) -> None:
    """Remove what killed processes left in a folder, by names that `unique_name` gave.

    Args:
        folder: The folder; nothing goes where it is a link.
        pattern: Which names are looked at.
        root: A folder above it, with no link in between.
    """
    for orphan in list_folder(folder):
        if fnmatchcase(orphan.name, pattern) and is_orphan(orphan):
            with suppress(OSError):  # another user's, or below a link
                remove_inside(root or folder, orphan)


def list_orphans() -> list[Path]:
    """What killed processes left in staging."""
    if not is_folder(store()):
        return []
    rooms = list_folder(store() / "staging")
    return [path for room in rooms for path in list_folder(room) if is_orphan(path)]


def is_orphan(path: Path) -> bool:
    """Whether whoever made ``<host>.<pid>.<random>`` can no longer be at it."""
    import socket

    name = path.name.removeprefix(TEMPORARY_PREFIX)
    parts = name.split(".")
    ours = name.startswith(f"{socket.gethostname()}.") and len(parts) > 1
    pid = parse_count(parts[-2]) if ours else None
    if pid is not None and not is_alive(pid):
        return True
    try:
        return time.time() - path.lstat().st_mtime > DAY
    except OSError:
        return False


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is running; True when that cannot be told."""
    if os.name == "nt":
        return True  # os.kill(pid, 0) would send it Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def is_recent(at: float | None, max_age: float | None) -> bool:
    """Whether something that was so at a time need not be asked about again.

    Args:
        at: Unix time in seconds when the host was last asked, None when unknown.
        max_age: Seconds after which it is asked again; None for never.
    """
    return max_age is None or 0 <= time.time() - (at or 0) <= max_age


def is_between(at: float | None, began: float) -> bool:
    """Whether a time lies between another one and now."""
    return began <= (at or 0) <= time.time()
