"""Where things are made before one rename puts them in place, and who is still at it."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.parse import parse_count
from hubkit._util.paths import is_folder, list_folder, remove_inside, require_no_link_above
from hubkit.hubdir.disk import OUTSIDE, own_name, writing
from hubkit.hubdir.layout import get_dir, store

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    folder = parent / own_name()
    with writing(folder):
        require_no_link_above(get_dir(), folder)
        folder.mkdir(parents=True)
    try:
        sweep(parent, root=Path(get_dir()))
        sweep(store() / "staging" / "records", root=Path(get_dir()))
        yield folder
    finally:
        with suppress(OSError):
            remove_inside(parent, folder)
        _remove_if_empty(parent)


def sweep(folder: Path, pattern: str = "*", *, root: Path | None = None) -> None:
    """Remove what killed processes left in a folder, by names that `own_name` gave.

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
    name = path.name.removeprefix(OUTSIDE)
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
