"""The files of the hub dir: paths, records, and the staging area.

::

    <hub dir>/
      <owner>_<name>_<ref>       a repo where torch.hub keeps it: a copy of a tree, or torch's own folder
      checkpoints/               checkpoints where torch.hub keeps them, under torch's names
      trusted_list               torch.hub's list of trusted repos
      .hubkit/
        repos/<host>/<owner>/<name>/<sha>/        the code of one commit, never rewritten
        repos/<host>/<owner>/<name>/<sha>.json    its source and time
        repos/<host>/<owner>/<name>/<sha>.files   its manifest
        repos/<host>/<owner>/<name>/default.json  the name of its default branch
        repos/<host>/<owner>/<name>/refs/*.json   the commit of a ref when last checked
        bytecode/<host>/<owner>/<name>/<sha>/     its bytecode
        links/*.json                              the repo of an <owner>_<name>_<ref> that hubkit made
        checkpoints/*.json                        the URL and the digest of a checkpoint
        staging/  quarantine/  locks/             unfinished and damaged files, and locks
"""

from __future__ import annotations

import errno
import functools
import os
import string
import sys
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, convert

from hubkit import limits
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
from hubkit.errors import CacheWriteError, HubkitError, UsageError
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from hubkit.facts import RepoRef

STORE = ".hubkit"
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}_.-")
LONGEST = 180  # bytes of a path component, which leaves room for suffixes

_hub_dir: str | None = None  # until torch.hub is imported
_TORCHS = "_hub_dir"  # torch.hub's variable
_is_asking: ContextVar[bool] = ContextVar("hubkit_is_asking", default=False)


def get_dir() -> str:
    """The hub dir, found as by ``torch.hub.get_dir``.

    It is the argument of `set_dir` or ``torch.hub.set_dir``, else ``$TORCH_HOME/hub``, else
    ``$XDG_CACHE_HOME/torch/hub``, else ``~/.cache/torch/hub``. If somebody has replaced
    ``torch.hub.get_dir``, as tests do with ``mock.patch``, it is what the replacement returns.

    Raises:
        UsageError: None of them is set, and the user has no home folder.
    """
    hub = _find_torch_hub()
    replaced = None if hub is None else _ask_replacement(hub)
    return _read_dir(hub) if replaced is None else replaced


def get_own_dir() -> str:
    """The hub dir, whatever has replaced ``torch.hub.get_dir``; raises as `get_dir`."""
    return _read_dir(_find_torch_hub())


def _read_dir(hub: ModuleType | None) -> str:
    folder = _hub_dir if hub is None else _share_dir(hub)
    return os.path.join(get_torch_home(), "hub") if folder is None else folder  # noqa: PTH118


def get_torch_home() -> str:
    """The folder for what torch caches, found as by ``torch.hub._get_torch_home``.

    Raises:
        UsageError: No variable is set, and the user has no home folder.
    """
    home = os.environ.get("TORCH_HOME")
    if home is None:
        home = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")  # noqa: PTH118
    return _expand(home) if home.startswith("~") else home


def find_dir_setting() -> str:
    """What decides where the hub dir is: a variable, or "" for the default."""
    return next((name for name in ("TORCH_HOME", "XDG_CACHE_HOME") if name in os.environ), "")


def _ask_replacement(hub: ModuleType) -> str | None:
    """What a replacement of ``torch.hub.get_dir`` returns; None if there is none."""
    function = vars(hub).get("get_dir", get_dir)
    is_own = getattr(function, "__globals__", None) is vars(hub) or function is get_dir
    if is_own or _is_asking.get():  # it may call us
        return None
    token = _is_asking.set(True)
    try:
        replaced: str = os.fspath(function())
    finally:
        _is_asking.reset(token)
    return replaced


def set_dir(d: str | os.PathLike[str]) -> None:
    """Use another hub dir in this process, in ``torch.hub`` too.

    Args:
        d: The folder; created when something is first written to it.

    Raises:
        UsageError: It starts with ``~``, and the user has no home folder.
    """
    global _hub_dir  # noqa: PLW0603 - as torch.hub does
    _hub_dir = _expand(os.fspath(d))
    if (hub := _find_torch_hub()) is not None:
        vars(hub)[_TORCHS] = None
        _share_dir(hub)


def _find_torch_hub() -> ModuleType | None:
    """``torch.hub`` if it is imported as far as its own setting."""
    hub = sys.modules.get("torch.hub")
    return hub if _TORCHS in getattr(hub, "__dict__", ()) else None


def _share_dir(hub: ModuleType) -> str | None:
    """The folder that either `set_dir` set. After torch is imported, only torch stores it."""
    global _hub_dir  # noqa: PLW0603
    if _hub_dir is not None:
        if vars(hub)[_TORCHS] is None:
            vars(hub)[_TORCHS] = _hub_dir
        _hub_dir = None
    folder = vars(hub)[_TORCHS]
    return None if folder is None else os.fspath(folder)


def _expand(folder: str) -> str:
    """Replace a ``~`` at the start, with which torch.hub would name a folder if there is no home."""
    expanded = os.path.expanduser(folder)  # noqa: PTH111
    if expanded.startswith("~"):
        raise UsageError(
            f"{folder} needs a home folder, and there is none.",
            hint="Set TORCH_HOME to a folder for the hub dir, or HOME.",
        )
    return expanded


def store() -> Path:
    """Hubkit's own folder in the hub dir."""
    return hub_path(STORE)


def hub_path(*names: str) -> Path:
    """A path in the hub dir."""
    return _join(get_dir(), *names)


@functools.lru_cache(maxsize=256)  # making a Path takes longer than a stat
def _join(*parts: str) -> Path:
    return Path(*parts)


@functools.lru_cache(maxsize=256)
def encode(name: str) -> str:
    """Encode a name as one path component: letters, digits and ``_ - .`` stay, the rest is percent-encoded.

    A very long name is cut and ends in a hash of the whole, since file systems allow 255 bytes.
    """
    encoded = "".join(
        char if char in _PLAIN else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in name
    )
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) > LONGEST:
        import hashlib

        encoded = f"{encoded[: LONGEST - 17]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return encoded


def repo_identity(repo: RepoRef) -> dict[str, object]:
    """The fields of a record that identify its repo."""
    return {"host": repo.host, "owner": repo.owner, "name": repo.name, "scheme": repo.scheme}


def repo_folder(repo: RepoRef) -> Path:
    """The folder of a repo's trees and records, for all refs."""
    # git fetches submodules too, which archives leave empty.
    host = f"git+{repo.host}" if repo.uses_git else repo.host
    return _repo_folder(get_dir(), host, repo.owner, repo.name)


@functools.lru_cache(maxsize=256)
def _repo_folder(hub_dir: str, *names: str) -> Path:
    return Path(hub_dir, STORE, "repos", *map(encode, names))


@functools.lru_cache(maxsize=256)
def _join_to(folder: Path, *names: str) -> Path:
    return folder.joinpath(*names)


def tree_folder(repo: RepoRef, sha: str) -> Path:
    """The folder of a commit's code."""
    return _join_to(repo_folder(repo), sha)


def bytecode_folder(tree: Path) -> Path:
    """The folder of a tree's bytecode.

    It lies outside the tree: bytecode from an archive, or left by an older torch.hub, never runs.
    """
    repos = store() / "repos"
    inside = tree.relative_to(repos) if tree.is_relative_to(repos) else Path("torch", tree.name)
    return store() / "bytecode" / inside


def tree_record(repo: RepoRef, sha: str) -> Path:
    """The record of a commit's code: its source and time."""
    return _join_to(repo_folder(repo), f"{sha}.json")


def default_record(repo: RepoRef) -> Path:
    """The record of the default branch's name."""
    return repo_folder(repo) / "default.json"


def ref_record(repo: RepoRef, ref: str) -> Path:
    """The record of a ref's commit."""
    return _join_to(repo_folder(repo), "refs", f"{encode(ref)}.json")


def _quarantine_path(path: Path) -> Path:
    """Where to move a damaged file or folder, so that it is out of the way but not lost.

    A file in a folder of the user's may contain the user's work. It stays in its folder, where hubkit
    removes nothing.
    """
    inside = is_inside(get_dir(), path.parent)
    return store() / "quarantine" / _aside_name(path) if inside else _damaged_path(path)


def _damaged_path(path: Path) -> Path:
    """Where to move a damaged file or folder that must stay in its folder."""
    return path.with_name(f"{_aside_name(path)}.damaged")


def _aside_name(path: Path) -> str:
    return f"{path.name}.{os.urandom(4).hex()}"


def lock_file(key: str) -> Path:
    """The lock file of a key."""
    return store() / "locks" / f"{encode(key)}.lock"


def repo_key(repo: RepoRef) -> str:
    """The key of the lock to hold while a repo is fetched or removed."""
    return f"{repo.host}/{repo.owner}/{repo.name}"


def torch_folder(repo: RepoRef, ref: str) -> Path | None:
    """Where torch.hub keeps a repo at a ref; None if torch.hub cannot fetch the repo."""
    if repo.host != GITHUB or repo.uses_git:
        return None
    return hub_path(f"{repo.owner}_{repo.name}_{ref.replace('/', '_')}")


def find_torch_folder(repo: RepoRef, ref: str) -> Path | None:
    """The folder that torch.hub or the user put where torch.hub looks for a repo at a ref."""
    path = torch_folder(repo, ref)
    if path is None or not path.is_dir() or is_made_by_hubkit(path):
        return None
    return path


COPY_MARK = ".hubkit-copy.json"  # the file in a copy that names its tree


def has_mark(path: Path) -> bool:
    """Whether a path of torch.hub's is a copy that hubkit made."""
    return os.path.exists(f"{path}/{COPY_MARK}")  # noqa: PTH110 - faster, and part of every load


def is_made_by_hubkit(path: Path) -> bool:
    """Whether hubkit made a path where torch.hub keeps a repo.

    A copy that the user has copied or renamed is the user's.
    """
    if path.is_symlink():  # older versions made links
        return store().name in Path(os.readlink(path)).parts  # noqa: PTH115
    return (read_record(path / COPY_MARK) or {}).get("path") == path.name


def folder_record(path: Path) -> Path:
    """The record of the repo for which hubkit made a path of torch.hub's."""
    return store() / "links" / f"{path.name}.json"


TEMPORARY_PREFIX = ".hubkit-"  # of temporary files outside hubkit's own folder
TEMPORARY_PATTERN = (
    f"{TEMPORARY_PREFIX}*.*.{'[0-9a-f]' * 16}"  # matches them, and no files of users
)

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space"),
    errno.EROFS: ("the file system is read-only", "Make it writable"),
    errno.EACCES: ("permission denied", "Get write permission"),
    errno.EPERM: ("permission denied", "Get write permission"),
}

_Int = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Time = Annotated[float, Meta(gt=-1e18, lt=1e18)]


class _Version(Struct):
    """The fields of records that tell a version of a file. All defaults stand for a missing field."""

    sha256: str = ""
    size: _Int = 0
    mtime_ns: _Int = 0


class _Record(_Version):
    """The fields of all kinds of records, for validation."""

    archive_sha256: str = ""
    asked_at: _Time = 0.0
    digest: str = ""
    etag: str = ""
    fetched_at: _Time = 0.0
    files: _Int = 0
    full_name: str = ""
    host: str = ""
    last_modified: str = ""
    led_by: str = ""
    missing: list[tuple[_Int, _Int]] = []
    moved_to: str = ""
    name: str = ""
    owner: str = ""
    path: str = ""
    pid: _Int = 0
    previous: _Version | UnsetType = UNSET
    ref: str = ""
    repo: str = ""
    repos: list[str] = []
    scheme: str = ""
    sha: str = ""
    stale: bool = False
    url: str = ""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the disk while a path is written into a `CacheWriteError`."""
    try:
        yield
    except HubkitError:
        raise  # some are OSErrors too, with better messages
    except UnsafePathError as error:
        raise CacheWriteError(
            f"Cannot change {error.filename}: {error.strerror}.",
            hint="hubkit writes and removes only its own regular files in the hub dir. "
            f"If it does not belong there, remove it. The hub dir is {get_dir()}",
        ) from None
    except OSError as error:
        reason, remedy = _REASONS.get(error.errno or 0, (str(error), "Check the folder"))
        raise CacheWriteError(
            f"Cannot write {path}: {reason}.",
            hint=f"{remedy}, or set TORCH_HOME to use another hub dir. The hub dir is {get_dir()}",
        ) from None


def read_record(path: Path, *, own: bool = False) -> dict[str, Any] | None:
    """Read a record; None if it is missing or damaged.

    Args:
        path: The file.
        own: Whether to ignore files of other users.
    """
    try:
        record: dict[str, Any] = read_json(path, limits.RECORD_BYTES, own=own)
        convert(record, _Record)
    except (OSError, ValueError):
        return None
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record whole, and replace what was there.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    import json

    from hubkit._util.atomic import write_file

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
        root: The folder that it must lie in.
        path: The file or folder to move.

    Returns:
        Its new path.

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
    """A name that no other process uses, and that shows which process uses it."""
    import socket

    return f"{socket.gethostname()}.{os.getpid()}.{os.urandom(8).hex()}"


def _temporary_path(path: Path) -> Path:
    """Where to write a record first; `remove_orphans` cleans up there."""
    if path.is_relative_to(store()):
        return store() / "staging" / "records" / unique_name()
    return path.with_name(f"{TEMPORARY_PREFIX}{unique_name()}")


DAY = 86400.0


@contextmanager
def staging(key: str) -> Iterator[Path]:
    """A new folder on the hub dir's file system, removed afterwards.

    Files that killed processes left for the same key are removed first. A name contains the process. A
    process counts as dead only if it ran on this machine and no longer exists, or if nothing has changed
    for a day: locks do not work on some file systems.

    Args:
        key: One path component; callers hold the lock of that name.

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
    """Remove files of killed processes from a folder, by the names that `unique_name` made.

    Args:
        folder: The folder; nothing is removed if it is a link.
        pattern: Names to consider.
        root: A folder above it, with no link in between.
    """
    from fnmatch import fnmatchcase

    for orphan in list_folder(folder):
        if fnmatchcase(orphan.name, pattern) and is_orphan(orphan):
            with suppress(OSError):  # another user's, or below a link
                remove_inside(root or folder, orphan)


def list_orphans() -> list[Path]:
    """Files of killed processes in the staging area."""
    if not is_folder(store()):
        return []
    rooms = list_folder(store() / "staging")
    return [path for room in rooms for path in list_folder(room) if is_orphan(path)]


def is_orphan(path: Path) -> bool:
    """Whether the process that made ``<host>.<pid>.<random>`` no longer uses it."""
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
    """Whether a process of this machine is running; True if unknown."""
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
    """Whether information is recent enough not to be checked again. A time in the future is not.

    Args:
        at: Unix time of the last check in seconds, None if unknown.
        max_age: Seconds after which to check again; None for never.
    """
    return max_age is None or 0 <= time.time() - (at or 0) <= max_age


def is_between(at: float | None, began: float) -> bool:
    """Whether a Unix time lies between another one and now."""
    return began <= (at or 0) <= time.time()
