"""Partial downloads: the journal of what has arrived, and parallel connections.

A partial file has a unique name. Once the host has sent what is needed to resume it, a journal lies
beside it. While several connections fill the file, it has holes, so its length means nothing: the
journal records up to where it is complete, and whoever resumes it truncates it there. A process
takes over the file of a dead one by renaming it. Renames are atomic even where file locks do not
work, so no two processes write to one file.

Many hosts limit the speed of each connection, and a distant host rarely fills the line. If the first
stream turns out to be slow, the rest is cut into parts, and up to eight connections fetch them in
order into one file. The first stream continues with its part, and with the next parts as long as
nobody else fetches them: if the host allows only one connection, that costs one refused request. If
a part fails, the other connections fetch it.
"""

from __future__ import annotations

import glob
import heapq
import math
import os
import socket
import threading
import time
from contextlib import contextmanager
from io import FileIO
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit._util.atomic import create_exclusive, place
from hubkit._util.logs import log
from hubkit._util.paths import file_size, is_folder, is_own_file, open_regular, own_uid
from hubkit.errors import CacheWriteError, FetchError, IncompleteDownloadError
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
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hubkit.hubdir.http import Response

IDLE = 300.0  # seconds without a byte after which another machine's partial file is abandoned


class Partial:
    """The part of a file that has arrived.

    Attributes:
        path: The partial file.
        etag: The host's ``ETag`` of its version; "" if it cannot be resumed.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.{os.urandom(8).hex()}.partial")
        self._target = target
        self.etag = ""
        self._contiguous_size: int | None = None
        self._owner = own_uid()

    @property
    def offset(self) -> int:
        """Contiguous bytes that have arrived."""
        return file_size(self.path) if self._contiguous_size is None else self._contiguous_size

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
        """Record which version is arriving, so that the rest can be requested later."""
        etag = response.headers.get("ETag", "")
        ranges = response.headers.get("Accept-Ranges", "bytes").lower()
        # A weak mark (W/"...") does not promise the same bytes, so the file cannot be resumed.
        self.etag = etag if etag.startswith('"') and size and ranges == "bytes" else ""
        self._write_journal(_this_process())

    def set_complete(self, whole: int) -> None:
        """Record that the file may have holes after so many bytes."""
        self._contiguous_size = whole
        self._write_journal(_this_process())

    def truncate(self) -> None:
        """Drop what follows the first hole."""
        if self._contiguous_size is None:
            return
        with writing(self.path), self.open(os.O_WRONLY) as file:
            file.truncate(self._contiguous_size)
        self._contiguous_size = None
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
        self.etag = ""

    def release(self) -> None:
        """Stop: leave what can be resumed to other processes; remove the rest."""
        if self.etag and self.offset:
            self._write_journal({})
        else:
            self.remove()

    def take_over(self, path: Path, etag: str) -> None:
        """Take over the file of another process, unless a third one is faster."""
        whole = _contiguous_size(path)
        try:
            place(path, self.path)
        except OSError:
            return
        if not is_own_file(self.path):  # it has changed since the check
            self.remove()
            return
        self.etag = etag
        self._contiguous_size = whole
        self.truncate()

    def _write_journal(self, owner: dict[str, object]) -> None:
        whole = {} if self._contiguous_size is None else {"whole": self._contiguous_size}
        write_record(self._journal, {"etag": self.etag, **whole, **owner})


def claim_partial(target: Path) -> Partial:
    """A partial file for a target: that of a dead process, or a new one.

    Raises:
        CacheWriteError: The target's folder cannot be written.
    """
    partial = Partial(target)
    for path in _find_abandoned(target):
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
    """This user's abandoned partial files of a target, the longest first.

    Links, pipes and files of other users are ignored.
    """
    pattern = f"{glob.escape(target.name)}.{'?' * 16}.partial"
    names = {path.name for path in target.parent.glob(pattern)}
    names |= {path.stem for path in target.parent.glob(f"{pattern}.json")}
    found = [target.with_name(name) for name in names]
    mine = [path for path in found if is_own_file(path) or not os.path.lexists(path)]
    return sorted(filter(_is_abandoned, mine), key=_contiguous_size, reverse=True)


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


def _contiguous_size(path: Path) -> int:
    """Bytes before the first hole."""
    whole = (_read_journal(path) or {}).get("whole")
    size = file_size(path)
    return min(whole, size) if isinstance(whole, int) and whole >= 0 else size


def _read_journal(path: Path) -> dict[str, Any] | None:
    return read_record(_journal_of(path), own=True)


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _this_process() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid()}


# Measured on loopback with 40 MB/s per connection: eight connections took 0.15 of the time of one,
# sixteen 0.09 at twice the load on the host. Without a limit per connection they gain nothing.
CONNECTIONS = 8
SLOW = 200e6  # bytes per second; a faster stream gets no help
WORTH = 64 << 20  # bytes that must be missing
WINDOW = 0.1  # seconds of reading over which the speed is measured
PART = 16 << 20  # bytes at most
_BUFFER = 1 << 18  # bytes per connection
_PARTIAL_CONTENT = 206


class Throughput:
    """Measures how fast a stream is."""

    def __init__(self) -> None:
        self._count = 0
        self._seconds = 0.0

    def is_slow(self, count: int, seconds: float) -> bool:
        """Whether the stream was slow in the window that ends now.

        Args:
            count: Bytes read since the last call.
            seconds: Time spent reading them, without the time of the disk and the digest, which more
                connections would not reduce.
        """
        self._count += count
        self._seconds += seconds
        if self._seconds < WINDOW:
            return False
        slow = self._count < SLOW * self._seconds
        self._count, self._seconds = 0, 0.0
        return slow


class Stream(Struct, frozen=True):
    """The download so far, over one connection.

    Attributes:
        response: Its body continues to the end of the file.
        partial: The file.
        at: Bytes that have arrived.
        total: The size of the file in bytes.
        etag: The host's strong ``ETag`` of this version.
        request_range: Requests the bytes from the first to the last one, of this version.
        show: Called with each count of bytes that arrived.
    """

    response: Response
    partial: Partial
    at: int
    total: int
    etag: str
    request_range: Callable[[int, int], AbstractContextManager[Response]]
    show: Callable[[int], object]


def is_possible(missing: int) -> bool:
    """Whether more connections would pay off for so many missing bytes, on this system."""
    return missing >= WORTH and hasattr(os, "pwrite")


class _Part(Struct):
    at: int  # everything before has arrived
    end: int

    @property
    def is_filled(self) -> bool:
        return self.at == self.end


class ParallelDownload:
    """Fetches what is missing; a context manager, which leaves no thread behind."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        size = _part_size(stream.total - stream.at)
        starts = range(stream.at, stream.total, size)
        self._parts = [_Part(at, min(at + size, stream.total)) for at in starts]
        self._first = 0  # no part before this one has a hole
        # So far ahead that the first stream does not reach it before the host responds.
        self._probe = self._parts[min(CONNECTIONS, len(self._parts)) - 1]
        assigned = (self._parts[0], self._probe)
        self._missing = [(part.end, part) for part in self._parts if part not in assigned]
        self._moved = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: set[Response] = set()
        self._active = 0
        self._width = CONNECTIONS
        self._is_accepted = False
        self._stopped = False
        self._error: BaseException | None = None

    def __enter__(self) -> ParallelDownload:
        self._file = self._stream.partial.open(os.O_RDWR)
        return self

    def __exit__(self, *_: object) -> None:
        with self._moved:
            self._stopped = True
            for response in self._open:
                response.hang_up()
        for thread in self._threads:
            thread.join()
        self._file.close()

    def start(self) -> None:
        """Start the first two connections.

        Call it inside the ``with`` block, so that an interrupt leaves no thread behind.
        """
        with self._moved:
            self._start(self._parts[0], self._stream.response)
            self._start(self._probe)  # the others follow when the host has accepted this one

    @property
    def whole(self) -> int:
        """Contiguous bytes from the start of the file."""
        while self._first + 1 < len(self._parts) and self._parts[self._first].is_filled:
            self._first += 1
        return self._parts[self._first].at

    def wait(self, until: int) -> int:
        """Wait until at least so many contiguous bytes have arrived; return `whole`.

        Raises:
            IncompleteDownloadError: The last connection failed, as the others had before.
            CacheWriteError: The file cannot be written.
        """
        with self._moved:
            self._moved.wait_for(lambda: self._error or not self._active or self.whole >= until)
            if self._error:
                raise self._error
            return self.whole

    def _start(self, part: _Part | None = None, response: Response | None = None) -> None:
        thread = threading.Thread(target=self._work, args=(part, response), daemon=True)
        self._threads.append(thread)
        self._active += 1
        thread.start()

    def _work(self, part: _Part | None, response: Response | None) -> None:
        """Fill part after part; the first ones from the first stream if there is one."""
        try:
            if part is None:
                part = self._take()
            elif response:
                part = self._go_on(part, response)
            while part:
                self._try(part, self._fetch)
                part = self._take()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            with self._moved:
                self._error = self._error or error
                self._moved.notify_all()

    def _go_on(self, first: _Part, response: Response) -> _Part | None:
        """Fill consecutive parts from the first stream; return the next part, which is not."""
        part: _Part | None = first
        at, works = first.at, True
        with self._listed(response):
            while part and part.at == at and works:
                works = self._try(part, lambda part: self._fill(part, response))
                at = part.end
                part = self._take()
        response.close()
        return part

    def _take(self) -> _Part | None:
        """The next part to fetch; None if nothing is left, or this connection is not needed."""
        with self._moved:
            if self._missing and self._active <= self._width and not self._stopped:
                return heapq.heappop(self._missing)[1]
            self._active -= 1
            self._moved.notify_all()
            return None

    def _try(self, part: _Part, fill: Callable[[_Part], None]) -> bool:
        """Fill a part, or leave the rest of it to the other connections."""
        try:
            fill(part)
        except CacheWriteError:
            raise
        except FetchError as error:
            with self._moved:
                if self._active == 1 and self._width == 1 and not self._stopped:
                    raise IncompleteDownloadError(error.message, url=error.url) from error
                heapq.heappush(self._missing, (part.end, part))
                # A body that ends early costs one connection; a refusal applies to all.
                cut = isinstance(error, IncompleteDownloadError)
                self._width = max(1, self._width - 1) if cut else 1
            log.debug("%s Using one connection less.", error.message)
            return False
        return True

    def _fetch(self, part: _Part) -> None:
        with self._stream.request_range(part.at, part.end - 1) as response, self._listed(response):
            self._require_part(response, part)
            self._open_connections()
            self._fill(part, response)

    def _require_part(self, response: Response, part: _Part) -> None:
        asked = f"bytes {part.at}-{part.end - 1}/{self._stream.total}"
        same = response.headers.get("ETag", self._stream.etag) == self._stream.etag
        if (
            response.status != _PARTIAL_CONTENT
            or response.headers.get("Content-Range") != asked
            or not same
        ):
            raise FetchError(
                f"{response.url} returned status {response.status} to a request for a part.",
                url=response.url,
            )

    def _open_connections(self) -> None:
        """Open the other connections, now that the host has accepted a second one."""
        with self._moved:
            if self._is_accepted or self._stopped:
                return
            self._is_accepted = True
            for _ in range(min(len(self._missing), self._width - self._active)):
                self._start()

    def _fill(self, part: _Part, response: Response) -> None:
        buffer = memoryview(bytearray(_BUFFER))
        while not part.is_filled and not self._stopped:
            count = response.read_into(buffer[: part.end - part.at])
            if not count:
                raise IncompleteDownloadError(f"{response.url} ended early.", url=response.url)
            with writing(self._stream.partial.path):
                _write_all(self._file.fileno(), buffer[:count], part.at)
            with self._moved:
                part.at += count
                self._stream.show(count)
                self._moved.notify_all()

    @contextmanager
    def _listed(self, response: Response) -> Iterator[None]:
        """Register a response, so that stopping hangs up on it."""
        with self._moved:
            self._open.add(response)
            if self._stopped:
                response.hang_up()
        try:
            yield
        finally:
            with self._moved:
                self._open.discard(response)


def _part_size(missing: int) -> int:
    """Bytes per part: all connections get the same number of parts, so they end together."""
    rounds = math.ceil(missing / (CONNECTIONS * PART))
    return math.ceil(missing / (CONNECTIONS * rounds))


def _write_all(file: int, data: memoryview, at: int) -> None:
    while data:
        count = os.pwrite(file, data, at)
        data, at = data[count:], at + count
