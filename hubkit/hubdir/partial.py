"""Partial downloads: what has arrived of a file, and the journal that says so.

A partial file has a unique name. Once the host has sent what is needed to resume it, a journal lies
beside it, which names the version, the process that writes, and the ranges that are still missing
if the file has holes. A process takes over the file of a dead one by renaming it. Renames are atomic
even where file locks do not work, so no two processes write to one file.
"""

from __future__ import annotations

import glob
import os
import socket
import time
from io import FileIO
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from hubkit._util.atomic import create_exclusive, place
from hubkit._util.paths import file_size, is_folder, is_own_file, open_regular, own_uid
from hubkit.hubdir.layout import (
    TEMPORARY_PATTERN,
    is_alive,
    is_orphan,
    read_record,
    remove_orphans,
    write_record,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hubkit.hubdir.http import Response

IDLE = 300.0  # seconds without a byte after which another machine's partial file is abandoned


class Partial:
    """The part of a file that has arrived.

    Attributes:
        path: The partial file.
        etag: The host's ``ETag`` of its version; "" if it cannot be resumed.
        missing: The ranges that have not arrived, in order, each with its first byte and the one
            after its last; empty if the file has no holes, and so ends where the rest is missing.
    """

    def __init__(self, target: Path, beside: Path | None = None) -> None:
        near = beside or target
        self.path = near.with_name(f"{near.name}.{os.urandom(8).hex()}.partial")
        self._target = target
        self.etag = ""
        self.missing: list[tuple[int, int]] = []
        self._owner = own_uid()

    @property
    def offset(self) -> int:
        """Bytes before the first one that is missing."""
        return self.missing[0][0] if self.missing else file_size(self.path)

    @property
    def arrived(self) -> int:
        """All bytes that have arrived."""
        return _count_arrived(self.path, self.missing)

    @property
    def end(self) -> int:
        """Where the file ends, as far as is known."""
        return max([file_size(self.path), *(end for _, end in self.missing)])

    @property
    def _journal(self) -> Path:
        return _journal_of(self.path)

    def create(self) -> None:
        """Create the file, which must not exist.

        Raises:
            OSError: It cannot be created.
        """
        with create_exclusive(self.path) as file:
            if self._owner is not None:
                # Some network file systems assign the file to another user.
                self._owner = os.fstat(file.fileno()).st_uid

    def open(self, flags: int) -> FileIO:
        """Open the partial file, which must be the regular file that was created or taken over.

        Args:
            flags: As for ``os.open``.

        Raises:
            OSError: It is another file by now, or cannot be opened.
        """
        mode = "rb" if flags == os.O_RDONLY else "r+b" if flags & os.O_RDWR else "wb"
        return FileIO(open_regular(self.path, flags, owner=self._owner), mode)

    def set_version(self, response: Response, size: int | None) -> None:
        """Record which version is arriving from its start, so that the rest can be requested later."""
        self.missing = []
        etag = response.headers.get("ETag", "")
        ranges = response.headers.get("Accept-Ranges", "bytes").lower()
        # A weak mark (W/"...") does not promise the same bytes, so the file cannot be resumed.
        self.etag = etag if etag.startswith('"') and size and ranges == "bytes" else ""
        self._write_journal(_this_process())

    def set_missing(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Record which ranges are missing: all others have arrived.

        Args:
            ranges: The ranges in order; neighbors are merged.
        """
        self.missing = []
        for start, end in ranges:
            if self.missing and self.missing[-1][1] == start:
                start = self.missing.pop()[0]  # noqa: PLW2901
            self.missing.append((start, end))
        self._write_journal(_this_process())

    def finish(self) -> None:
        """Move the file to its target."""
        with writing(self._target):
            place(self.path, self._target)
        self._journal.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the file and its journal."""
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def reset(self) -> None:
        """Remove the file, and start again."""
        self.remove()
        self.etag, self.missing = "", []

    def release(self) -> None:
        """Stop: leave what can be resumed to other processes; remove the rest."""
        if self.etag and self.arrived:
            self._write_journal({})
        else:
            self.remove()

    def take_over(self, path: Path, etag: str) -> None:
        """Take over the file of another process, unless a third one is faster."""
        missing = _read_missing(path)
        if missing is None:
            return
        try:
            place(path, self.path)
        except OSError:
            return
        if not is_own_file(self.path):  # it has changed since the check
            self.remove()
            return
        self.etag = etag
        self.set_missing(missing)

    def _write_journal(self, owner: dict[str, object]) -> None:
        write_record(self._journal, {"etag": self.etag, "missing": self.missing, **owner})


def claim_partial(target: Path, beside: Path | None = None) -> Partial:
    """A partial file for a target: that of a dead process, or a new one.

    Args:
        target: Where the whole file belongs.
        beside: Where partial files of it lie, by default beside the target.

    Raises:
        CacheWriteError: The target's folder cannot be written.
    """
    partial = Partial(target, beside)
    for path in _find_abandoned(beside or target):
        etag = (_read_journal(path) or {}).get("etag")
        if etag and not partial.etag:
            partial.take_over(path, str(etag))
        path.unlink(missing_ok=True)
        _journal_of(path).unlink(missing_ok=True)
    remove_orphans(target.parent, TEMPORARY_PATTERN)
    return partial


def list_partial_files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Partial files and their journals in a folder and below, each with whether it is abandoned.

    If the folder is a link, nothing is listed.
    """
    if not is_folder(folder):
        return
    for path in sorted(folder.rglob(TEMPORARY_PATTERN)):
        yield path, is_orphan(path)
    for path in sorted(folder.rglob("*.partial*")):
        partial = path.with_name(path.name.partition(".partial")[0] + ".partial")
        if os.path.lexists(path) and not is_folder(path):
            yield path, _is_abandoned(partial)


def _find_abandoned(target: Path) -> list[Path]:
    """This user's abandoned partial files of a target, the most complete first.

    Links, pipes and files of other users are ignored.
    """
    pattern = f"{glob.escape(target.name)}.{'?' * 16}.partial"
    names = {path.name for path in target.parent.glob(pattern)}
    names |= {path.stem for path in target.parent.glob(f"{pattern}.json")}
    found = [target.with_name(name) for name in names]
    mine = [path for path in found if is_own_file(path) or not os.path.lexists(path)]
    return sorted(
        filter(_is_abandoned, mine),
        key=lambda path: _count_arrived(path, _read_missing(path) or []),
        reverse=True,
    )


def _is_abandoned(path: Path) -> bool:
    record = _read_journal(path)
    if record is not None and "pid" not in record:
        return True  # released
    if record is not None and record.get("host") == socket.gethostname():
        return not is_alive(int(record["pid"]))
    return time.time() - _changed_at(path) > IDLE


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _count_arrived(path: Path, missing: list[tuple[int, int]]) -> int:
    size = file_size(path)
    return size - sum(min(end, size) - min(start, size) for start, end in missing)


def _read_missing(path: Path) -> list[tuple[int, int]] | None:
    """The ranges that a journal says are missing; None if the file does not agree."""
    missing: list[tuple[int, int]] = (_read_journal(path) or {}).get("missing", [])
    marks = [*chain.from_iterable(missing)]
    is_sound = all(a < b if at % 2 == 0 else a <= b for at, (a, b) in enumerate(pairwise(marks)))
    is_sound = is_sound and (not marks or (marks[0] >= 0 and marks[-2] <= file_size(path)))
    return missing if is_sound else None


def _read_journal(path: Path) -> dict[str, Any] | None:
    return read_record(_journal_of(path), own=True)


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _this_process() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid()}
