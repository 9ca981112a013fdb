"""Records that appear whole or not at all, and typed errors for what a disk says."""

from __future__ import annotations

import errno
import json
import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hubkit import limits
from hubkit._util.atomic import write_file
from hubkit._util.parse import read_json
from hubkit._util.paths import UnsafePathError, move_inside, require_no_link_above
from hubkit.errors import CacheWriteError, HubkitError
from hubkit.hubdir.layout import aside_beside, aside_from, get_dir, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTSIDE = ".hubkit-"  # starts the names of records in the making outside hubkit's own folder
LEFT_OUTSIDE = f"{OUTSIDE}*.*.{'[0-9a-f]' * 16}"  # finds them, and no file of the user's

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
    temporary = _temporary(path)
    with writing(path):
        if path.is_relative_to(store()):
            for place in (path, temporary):
                require_no_link_above(get_dir(), place)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps(record, indent=1, sort_keys=True), temporary=temporary)


def move_aside(root: Path, path: Path) -> Path:
    """Move something damaged out of the way, without losing it.

    Args:
        root: The folder that it has to lie in.
        path: What is moved.

    Returns:
        Where it lies now.

    Raises:
        CacheWriteError: It lies outside of the folder, or cannot be moved.
    """
    aside = aside_from(path)
    with writing(aside):
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:
            move_inside(root, path, aside)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            aside = aside_beside(path)
            move_inside(root, path, aside)
    return aside


def own_name() -> str:
    """A name that nobody else takes, and that tells whether who took it is still there."""
    import socket

    return f"{socket.gethostname()}.{os.getpid()}.{os.urandom(8).hex()}"


def _temporary(path: Path) -> Path:
    """Where a record is written first: where what killed processes leave is swept up."""
    if path.is_relative_to(store()):
        return store() / "staging" / "records" / own_name()
    return path.with_name(f"{OUTSIDE}{own_name()}")
