"""A file on its way: kept beside its target, and taken over by whoever wants it next.

A partial file has a name of its own and, once the host said enough to resume it, a journal beside
it. While several connections fill it, it has holes and its length says nothing: the journal says
up to where it is whole, and whoever takes it over cuts it there. A newcomer takes over what a
dead process left by renaming it, which is atomic also where locks lie, so no two ever write to
one file on purpose.
"""

from __future__ import annotations

import glob
import os
import socket
import time
from io import FileIO
from typing import TYPE_CHECKING, Any

from hubkit._util.atomic import create_exclusive, place
from hubkit._util.paths import is_folder, is_own_file, open_regular, own_uid
from hubkit.hubdir.disk import LEFT_OUTSIDE, read_record, write_record, writing
from hubkit.hubdir.staging import is_alive, is_orphan, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.hubdir.http import Answer

IDLE = 300.0  # seconds without a byte after which another machine's partial counts as left behind


class Partial:
    """The part of a target that is there.

    Attributes:
        path: The partial file.
        etag: The host's mark for the version that it is part of; "" when it cannot be resumed.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.{os.urandom(8).hex()}.partial")
        self._target = target
        self.etag = ""
        self._whole: int | None = None
        self._owner = own_uid()

    @property
    def offset(self) -> int:
        """Bytes that are there, without holes."""
        return _size(self.path) if self._whole is None else self._whole

    @property
    def _journal(self) -> Path:
        return _journal_of(self.path)

    def begin(self) -> None:
        """Make the file, which is not there.

        Raises:
            OSError: It cannot be made.
        """
        with create_exclusive(self.path) as file:
            if self._owner is not None:
                # Some network file systems give our files to another user.
                self._owner = os.fstat(file.fileno()).st_uid

    def open(self, flags: int) -> FileIO:
        """Open the partial file, which has to be the regular file that was begun or adopted.

        Args:
            flags: As for ``os.open``.

        Raises:
            OSError: It is something else by now, or cannot be opened.
        """
        mode = "rb" if flags == os.O_RDONLY else "r+b" if flags & os.O_RDWR else "wb"
        return FileIO(open_regular(self.path, flags, owner=self._owner), mode)

    def note(self, answer: Answer, size: int | None) -> None:
        """Write down which version is arriving, so that the rest can be asked for later."""
        etag = answer.headers.get("ETag", "")
        ranges = answer.headers.get("Accept-Ranges", "bytes").lower()
        # A weak mark (W/"...") does not promise the same bytes, so it is no ground to resume on.
        self.etag = etag if etag.startswith('"') and size and ranges == "bytes" else ""
        self._write_journal(_me())

    def grow(self, whole: int) -> None:
        """Write down that there may be holes after so many bytes."""
        self._whole = whole
        self._write_journal(_me())

    def cut(self) -> None:
        """Take away what comes after a hole."""
        if self._whole is None:
            return
        with writing(self.path), self.open(os.O_WRONLY) as file:
            file.truncate(self._whole)
        self._whole = None
        self._write_journal(_me())

    def settle(self) -> None:
        """Put the file in its place."""
        with writing(self._target):
            place(self.path, self._target)
        self._journal.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove what is there."""
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what is there and go on with nothing."""
        self.drop()
        self.etag = ""

    def leave(self) -> None:
        """Go away: keep what can be resumed, for anybody to take over; remove the rest."""
        if self.etag and self.offset:
            self._write_journal({})
        else:
            self.drop()

    def adopt(self, path: Path, etag: str) -> None:
        """Take over what another process left, unless somebody else is quicker."""
        whole = _whole(path)
        try:
            place(path, self.path)
        except OSError:
            return
        if not is_own_file(self.path):  # it was another one when we looked
            self.drop()
            return
        self.etag = etag
        self._whole = whole
        self.cut()

    def _write_journal(self, owner: dict[str, object]) -> None:
        whole = {} if self._whole is None else {"whole": self._whole}
        write_record(self._journal, {"etag": self.etag, **whole, **owner})


def claim_partial(target: Path) -> Partial:
    """A partial file for a target: what a dead process left of it, or an empty one.

    Raises:
        CacheWriteError: The target's folder cannot be written.
    """
    partial = Partial(target)
    for path in _left_behind(target):
        etag = (_read_journal(path) or {}).get("etag")
        if etag and not partial.etag:
            partial.adopt(path, str(etag))
        path.unlink(missing_ok=True)
        _journal_of(path).unlink(missing_ok=True)
    sweep(target.parent, LEFT_OUTSIDE)
    return partial


def list_partials(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Partial files and their records in a folder and below, each with whether it may go.

    Nothing is listed where the folder is a link: what lies behind it is not the hub dir's.
    """
    if not is_folder(folder):
        return
    for path in sorted(folder.rglob(LEFT_OUTSIDE)):
        yield path, is_orphan(path)
    for path in sorted(folder.rglob("*.partial*")):
        partial = path.with_name(path.name.partition(".partial")[0] + ".partial")
        if os.path.lexists(path) and not is_folder(path):
            yield path, _is_left(partial)


def _left_behind(target: Path) -> list[Path]:
    """This user's partial files of a target that nobody writes to any more, the longest first.

    Links, pipes and what belongs to other users stay where they are.
    """
    pattern = f"{glob.escape(target.name)}.{'?' * 16}.partial"
    names = {path.name for path in target.parent.glob(pattern)}
    names |= {path.stem for path in target.parent.glob(f"{pattern}.json")}
    found = [target.with_name(name) for name in names]
    mine = [path for path in found if is_own_file(path) or not os.path.lexists(path)]
    return sorted(filter(_is_left, mine), key=_whole, reverse=True)


def _is_left(path: Path) -> bool:
    record = _read_journal(path)
    if record is not None and "pid" not in record:
        return True  # let go of
    if record is not None and record.get("host") == socket.gethostname():
        return not is_alive(int(record["pid"]))
    return time.time() - _changed_at(path) > IDLE


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _whole(path: Path) -> int:
    """Bytes before the first hole."""
    whole = (_read_journal(path) or {}).get("whole")
    size = _size(path)
    return min(whole, size) if isinstance(whole, int) and whole >= 0 else size


def _read_journal(path: Path) -> dict[str, Any] | None:
    return read_record(_journal_of(path), own=True)


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _me() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid()}
