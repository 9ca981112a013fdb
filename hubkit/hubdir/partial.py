"""A file on its way: kept beside its target, and taken over by whoever wants it next.

A partial file has a name of its own and, once the host said enough to resume it, a journal beside
it. A newcomer takes over what a dead process left by renaming it, which is atomic also where
locks lie, so no two ever write to one file on purpose.
"""

from __future__ import annotations

import glob
import os
import socket
import time
import uuid
from typing import TYPE_CHECKING

from hubkit.hubdir.disk import read_record, write_record, writing
from hubkit.hubdir.staging import is_alive

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.hubdir.http import Answer

WEEK = 7 * 86400.0
IDLE = 300.0  # seconds without a byte after which another machine's partial counts as left behind


class Partial:
    """The part of a target that is there.

    Attributes:
        path: The partial file.
        etag: The host's mark for the version that it is part of; "" when it cannot be resumed.
        size: Bytes that the whole will have, None when unknown.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.{uuid.uuid4().hex[:16]}.partial")
        self._target = target
        self.etag = ""
        self.size: int | None = None

    @property
    def offset(self) -> int:
        """Bytes that are there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def _journal(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def note(self, answer: Answer, size: int | None) -> None:
        """Write down which version is arriving, so that the rest can be asked for later."""
        etag = answer.headers.get("ETag", "")
        ranges = answer.headers.get("Accept-Ranges", "bytes").lower()
        self.size = size
        # A weak mark (W/"...") does not promise the same bytes, so it is no ground to resume on.
        self.etag = etag if etag.startswith('"') and size and ranges == "bytes" else ""
        if self.etag:
            write_record(self._journal, {"etag": etag, "size": size, **_me()})

    def settle(self) -> None:
        """Put the file in its place."""
        with writing(self._target):
            self.path.replace(self._target)
        self._journal.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove what is there."""
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def leave(self) -> None:
        """Go away: keep what can be resumed, for anybody to take over; remove the rest."""
        if self.etag and self.offset:
            write_record(self._journal, {"etag": self.etag, "size": self.size})
        else:
            self.drop()

    def adopt(self, path: Path, record: dict[str, object]) -> bool:
        """Take over what another process left; gives whether that came off."""
        try:
            path.rename(self.path)
        except OSError:
            return False
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        self.etag, size = str(record.get("etag", "")), record.get("size")
        self.size = size if isinstance(size, int) else None
        write_record(self._journal, {"etag": self.etag, "size": self.size, **_me()})
        return True


def claim_partial(target: Path) -> Partial:
    """A partial file for a target: what a dead process left of it, or an empty one.

    Raises:
        CacheWriteError: The target's folder cannot be written.
    """
    partial = Partial(target)
    adopted = False
    for path in _left_behind(target):
        record = read_record(path.with_name(f"{path.name}.json")) or {}
        if record and not adopted:
            adopted = partial.adopt(path, record)
        else:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)
    return partial


def _left_behind(target: Path) -> list[Path]:
    """Partial files of a target that nobody writes to any more, the longest first."""
    pattern = f"{glob.escape(target.name)}.{'?' * 16}.partial"
    found = [path for path in target.parent.glob(pattern) if _is_left(path)]
    return sorted(found, key=_size, reverse=True)


def _is_left(path: Path) -> bool:
    record = read_record(path.with_name(f"{path.name}.json")) or {}
    try:
        idle = time.time() - path.stat().st_mtime
    except OSError:
        return False
    if record.get("host") == socket.gethostname() and isinstance(record.get("pid"), int):
        return not is_alive(record["pid"])
    return idle > IDLE or (bool(record) and "pid" not in record)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _me() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid()}
