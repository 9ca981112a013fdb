"""Fetch what is missing of a file in parts, over parallel connections.

Many hosts limit the speed of each connection, and a distant host rarely fills the line. If the first
stream turns out to be slow, the rest is cut into parts, and up to eight connections fetch them in
order into one file. The first stream continues with its part, and with the next parts as long as
nobody else fetches them: if the host allows only one connection, that costs one refused request. If
a part fails, the other connections fetch it.

Each part that is whole goes into the journal of the partial file (`hubkit.hubdir.partial`), so a
process that is killed loses no more than the parts in flight.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.logs import log
from hubkit.errors import CacheWriteError, FetchError, IncompleteDownloadError
from hubkit.hubdir.layout import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from hubkit.hubdir.http import Response
    from hubkit.hubdir.partial import Partial

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
        response: Its body continues where the file has its first hole, or ends.
        partial: The file.
        total: The size of the file in bytes.
        etag: The host's strong ``ETag`` of this version.
        request_range: Requests the bytes from the first to the last one, of this version.
        show: Called with each count of bytes that arrived.
    """

    response: Response
    partial: Partial
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
        missing = stream.partial.missing or [(stream.partial.offset, stream.total)]
        self._parts = [*_cut(missing)]
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
        self._record()  # a connection that was stopped keeps what it has of its part

    def start(self) -> None:
        """Start the first two connections.

        Call it inside the ``with`` block, so that an interrupt leaves no thread behind.
        """
        with self._moved:
            self._record()
            self._start(self._parts[0], self._stream.response)
            if self._probe is not self._parts[0]:
                self._start(self._probe)  # the others follow when the host has accepted this one

    @property
    def whole(self) -> int:
        """Contiguous bytes from the start of the file."""
        while self._first < len(self._parts) and self._parts[self._first].is_filled:
            self._first += 1
        return self._parts[self._first].at if self._first < len(self._parts) else self._stream.total

    def _record(self) -> None:
        """Write to the journal what is missing; the file has all the rest."""
        missing = ((part.at, part.end) for part in self._parts if not part.is_filled)
        self._stream.partial.set_missing(missing)

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
                    raise IncompleteDownloadError(error.message, url=error.url) from None
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
                if part.at == part.end:
                    self._record()
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


def _cut(missing: list[tuple[int, int]]) -> Iterator[_Part]:
    """Cut ranges into parts: all connections get the same number, so they end together."""
    count = sum(end - start for start, end in missing)
    rounds = math.ceil(count / (CONNECTIONS * PART))
    size = math.ceil(count / (CONNECTIONS * rounds))
    for start, end in missing:
        for at in range(start, end, size):
            yield _Part(at, min(at + size, end))


def _write_all(file: int, data: memoryview, at: int) -> None:
    while data:
        count = os.pwrite(file, data, at)
        data, at = data[count:], at + count
