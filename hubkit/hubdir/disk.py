"""Small safe writes: records that appear whole or not at all, folders of one's own, typed errors."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hubkit.errors import CacheWriteError, HubkitError
from hubkit.hubdir.layout import get_dir, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86400.0
_REASONS = {
    errno.ENOSPC: ("The disk is full", "Free some space"),
    errno.EDQUOT: ("The disk quota is used up", "Free some space"),
    errno.EROFS: ("The file system is read-only", "Make it writable"),
    errno.EACCES: ("It may not be written", "Get the right to write there"),
    errno.EPERM: ("It may not be written", "Get the right to write there"),
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk says while a path is written into a `CacheWriteError`."""
    try:
        yield
    except HubkitError:
        raise  # some are OSErrors too, and say more than we could
    except OSError as error:
        reason, remedy = _REASONS.get(error.errno or 0, (str(error), "Look at the folder"))
        raise CacheWriteError(
            f"{path} cannot be written. {reason}.",
            hint=f"{remedy}, or use another hub dir: set TORCH_HOME. This one is {get_dir()}",
        ) from error


def read_record(path: Path) -> dict[str, Any] | None:
    """A record, or None when there is none or it is damaged."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Put a record in place, whole, whatever was there.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def staging(key: str) -> Iterator[Path]:
    """A folder of one's own on the hub dir's file system, gone afterwards.

    What killed processes left for the same key is removed first. The folder's name says whose it
    is, and only a process of this machine that is no more, or a day without change, counts as
    dead: locks lie on some file systems.

    Args:
        key: One path component; callers hold the lock of the same name.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    parent = store() / "staging" / key
    folder = parent / f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex}"
    with writing(folder):
        folder.mkdir(parents=True)
    try:
        for orphan in parent.iterdir():
            if is_orphan(orphan):
                shutil.rmtree(orphan, ignore_errors=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_if_empty(parent)


def is_orphan(path: Path) -> bool:
    """Whether whoever made ``<...>.<host>.<pid>.<random>`` can no longer be at it."""
    parts = path.name.split(".")
    ours = path.name.startswith(f"{socket.gethostname()}.") and parts[-2].isdigit()
    if ours and not is_alive(int(parts[-2])):
        return True
    try:
        return time.time() - path.stat().st_mtime > DAY
    except OSError:
        return False


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is running; True when that cannot be told."""
    if os.name == "nt":
        return True  # os.kill(pid, 0) would send it Ctrl-C there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
