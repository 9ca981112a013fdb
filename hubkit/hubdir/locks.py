"""Locks between processes: they save double downloads, and nothing is wrong without them.

Whatever is put into the hub dir is made elsewhere and renamed into place, so where locks do not
work (flock lies on some network file systems) the worst is that a file is fetched twice.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hubkit._util.logs import log
from hubkit._util.paths import require_no_link_above
from hubkit.errors import LockTimeoutError
from hubkit.hubdir.disk import read_record, write_record, writing
from hubkit.hubdir.layout import get_dir, lock_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def hold(key: str, timeout: float) -> Iterator[None]:
    """Hold the lock of a key; says who has it when there is somebody to wait for.

    Args:
        key: What is worked on, such as "github.com/owner/name".
        timeout: Seconds to wait for somebody else.

    Raises:
        LockTimeoutError: Somebody else held it for too long.
        CacheWriteError: The hub dir cannot be written.
    """
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
        # Go on without a lock: everything is renamed into place anyway.
        log.debug("No lock for %s: %s", key, error)
        if _means_no_locks(error):
            _remove(path)
        yield
        return
    try:
        write_record(owner, {"pid": os.getpid(), "host": socket.gethostname()})
        yield
    finally:
        owner.unlink(missing_ok=True)
        _remove(path)
        lock.release()


def _acquire(lock: object, key: str, timeout: float, owner: Path) -> None:
    import filelock

    assert isinstance(lock, filelock.BaseFileLock)  # noqa: S101 - for the type checker
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        who = _name(owner)
        log.info("Waiting for %s, which works on %s", who, key)
        try:
            lock.acquire(timeout=timeout, poll_interval=0.02)
        except filelock.Timeout as error:
            raise LockTimeoutError(
                f"Waited {timeout:.0f} s for {who}, which works on {key}.",
                hint=f"If it hangs, end it. The lock is {lock.lock_file}",
            ) from error


def _means_no_locks(error: Exception) -> bool:
    """Whether a file system has no locks at all, so that nobody can hold the file.

    Any other error, such as too many open files, says nothing of who does.
    """
    return isinstance(error, NotImplementedError) or getattr(error, "errno", None) in _NO_LOCKS


def _remove(path: Path) -> None:
    """Remove a lock's file while it is held: who waits for it makes a new one."""
    if os.name != "nt":  # which lets nobody remove an open file
        with suppress(OSError):
            path.unlink()


def _name(owner: Path) -> str:
    record = read_record(owner) or {}
    if "pid" not in record:
        return "another process"
    here = record.get("host") == socket.gethostname()
    return f"process {record['pid']}" + ("" if here else f" on {record.get('host')}")
