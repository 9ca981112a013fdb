"""Locks between processes, and trees that are in use.

Locks avoid double downloads; nothing depends on them. Whatever is put into the hub dir is made
elsewhere and renamed into place, so where locks do not work (on some network file systems) a file
may be fetched twice at worst.

A program that has loaded a repo may import more of its tree at any time, so the tree must not be
removed. The program holds a shared lock on the tree's record, opened for reading: this needs no
write permission and ends with the process. On systems without such locks (Windows, some network file
systems) nothing is held.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hubkit._util.atomic import create_exclusive
from hubkit._util.logs import log
from hubkit._util.paths import open_regular, require_no_link_above
from hubkit.errors import InUseError, LockTimeoutError
from hubkit.hubdir.layout import get_dir, lock_file, read_record, write_record, writing
from hubkit.lazy import import_late

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SILENT = 1.0  # seconds to wait before it is worth a message
_FORGOTTEN = 600.0  # seconds after which the process that announced was killed
_POLL = 0.02
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def hold(key: str, timeout: float) -> Iterator[None]:
    """Hold the lock of a key; if another process holds it, log which one.

    Args:
        key: What to lock, such as "github.com/owner/name".
        timeout: Seconds to wait for the other process.

    Raises:
        LockTimeoutError: Another process held it for too long.
        CacheWriteError: The hub dir cannot be written.
    """
    import_late("filelock")
    import filelock

    path = lock_file(key)
    with writing(path):
        require_no_link_above(get_dir(), path)
        path.parent.mkdir(parents=True, exist_ok=True)
    owner = path.with_suffix(".json")
    lock = filelock.FileLock(path)
    try:
        _acquire(lock, key, timeout, owner)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, LockTimeoutError):
            raise
        # Continue without a lock: everything is renamed into place anyway.
        log.debug("No lock for %s: %s", key, error)
        if _means_no_locks(error):
            _remove(path)
        yield
        return
    try:
        _write_owner(owner)
        yield
    finally:
        owner.unlink(missing_ok=True)
        _remove(path)
        lock.release()


def _write_owner(path: Path) -> None:
    import socket

    write_record(path, {"pid": os.getpid(), "host": socket.gethostname()})


def _acquire(lock: object, key: str, timeout: float, owner: Path) -> None:
    import filelock

    assert isinstance(lock, filelock.BaseFileLock)  # noqa: S101 - for the type checker
    silent = min(SILENT, timeout)
    with suppress(filelock.Timeout):
        lock.acquire(timeout=silent, poll_interval=_POLL)
        return
    who = _describe_owner(owner)
    with _announced(f"Waiting for {who}, which holds the lock of {key}", owner):
        try:
            lock.acquire(timeout=timeout - silent, poll_interval=_POLL)
        except filelock.Timeout:
            raise LockTimeoutError(
                f"{who} has held the lock of {key} for {timeout:.0f} s.",
                hint=f"If it hangs, stop it. The lock file is {lock.lock_file}",
            ) from None


@contextmanager
def _announced(message: str, owner: Path) -> Iterator[None]:
    """Log what is waited for, unless another process that waits for it has done so."""
    marker = owner.with_suffix(".waiting")
    is_first = _mark(marker)
    log.log(logging.WARNING if is_first else logging.DEBUG, message)
    try:
        yield
    finally:
        if is_first:
            marker.unlink(missing_ok=True)


def _mark(marker: Path) -> bool:
    """Whether nobody has made the marker before."""
    with suppress(OSError):
        if time.time() - marker.lstat().st_mtime > _FORGOTTEN:
            marker.unlink()
    try:
        create_exclusive(marker).close()
    except FileExistsError:
        return False
    except OSError:
        return True  # say it rather than never
    return True


def _means_no_locks(error: Exception) -> bool:
    """Whether the file system has no locks at all, so that nobody can hold the file.

    After any other error, such as too many open files, another process may hold it.
    """
    return isinstance(error, NotImplementedError) or getattr(error, "errno", None) in _NO_LOCKS


def _remove(path: Path) -> None:
    """Remove a lock's file while it is held; processes that wait for it create a new one."""
    if os.name != "nt":  # where open files cannot be removed
        with suppress(OSError):
            path.unlink()


def _describe_owner(owner: Path) -> str:
    import socket

    record = read_record(owner) or {}
    if "pid" not in record:
        return "another process"
    here = record.get("host") == socket.gethostname()
    return f"process {record['pid']}" + ("" if here else f" on {record.get('host')}")


_held: dict[str, int] = {}
_held_lock = threading.Lock()


def hold_tree(tree: Path) -> None:
    """Keep other processes from removing a tree, until this process ends."""
    with _held_lock, contextlib.suppress(OSError):
        held = _held.get(str(tree))
        if held is not None and _is_record_of(held, tree):
            return
        descriptor = open_regular(_tree_record(tree))
        _held[str(tree)] = descriptor
        if held is not None:  # the tree was replaced
            os.close(held)
        _flock(descriptor, alone=False)  # removing a tree takes only a moment


@contextlib.contextmanager
def require_unused(tree: Path) -> Iterator[None]:
    """Require that no process has loaded a tree, and keep it so meanwhile.

    Raises:
        InUseError: A process has loaded it, perhaps this one.
    """
    try:
        descriptor = open_regular(_tree_record(tree))
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):  # the file system has no locks
            _require_exclusive(descriptor, tree)
        yield
    finally:
        os.close(descriptor)


def _is_record_of(descriptor: int, tree: Path) -> bool:
    """Whether a descriptor is still the tree's record, and not that of a removed tree."""
    try:
        return os.path.samestat(os.fstat(descriptor), _tree_record(tree).stat())
    except OSError:
        return True


def _require_exclusive(descriptor: int, tree: Path) -> None:
    try:
        _flock(descriptor, alone=True)
    except BlockingIOError:
        raise InUseError(
            f"{tree} is in use: a running program has loaded it.",
            hint="Try again after that program has exited.",
        ) from None


def _flock(descriptor: int, *, alone: bool) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)


def _tree_record(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.json")
