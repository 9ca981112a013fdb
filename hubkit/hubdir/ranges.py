"""The rest of a slow download over several connections at once.

Many hosts limit each connection, and a far one fills a line slowly. So when one stream has shown
to be slow, what is missing is cut into parts, which are fetched in order by up to eight
connections into one file. The first stream goes on with the part that it is at, and with what
comes after for as long as nobody else fetches that: a host that wants one connection only costs
one refused request. Whatever goes wrong with a part leaves it to the other connections.
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
from hubkit.hubdir.disk import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from hubkit.hubdir.http import Answer
    from hubkit.hubdir.partial import Partial

# Measured on loopback with 40 MB/s per connection: eight connections took 0.15 of the time of one,
# sixteen 0.09 at twice the load for the host; where nothing limits a connection they only cost.
CONNECTIONS = 8
SLOW = 200e6  # bytes per second; a stream that is faster stays alone
WORTH = 64 << 20  # bytes that must be missing
WINDOW = 0.1  # seconds of reading over which the speed is taken
PART = 16 << 20  # bytes at most
_BUFFER = 1 << 18  # bytes per connection
_PART_OF_IT = 206


class Pace:
    """How fast a stream is."""

    def __init__(self) -> None:
        self._count = 0
        self._seconds = 0.0

    def is_slow(self, count: int, seconds: float) -> bool:
        """Whether it was slow in the window that ends now.

        Args:
            count: Bytes that were read since the last call.
            seconds: Time that was spent reading them; not what the disk and the digest took,
                which more connections would not speed up.
        """
        self._count += count
        self._seconds += seconds
        if self._seconds < WINDOW:
            return False
        slow = self._count < SLOW * self._seconds
        self._count, self._seconds = 0, 0.0
        return slow


class Stream(Struct, frozen=True):
    """What has arrived alone so far.

    Attributes:
        answer: Its body goes on to the end of the file.
        partial: The file.
        at: Bytes that are there.
        total: Bytes that it will have.
        etag: The host's mark for this version, a strong one.
        ask: Asks for the bytes from the first to the last one, of this version.
        show: Called with each count of bytes that arrived.
    """

    answer: Answer
    partial: Partial
    at: int
    total: int
    etag: str
    ask: Callable[[int, int], AbstractContextManager[Answer]]
    show: Callable[[int], object]


def is_possible(missing: int) -> bool:
    """Whether so many missing bytes are worth more connections, and this system can do it."""
    return missing >= WORTH and hasattr(os, "pwrite")


class _Part(Struct):
    at: int  # what is before is there
    end: int

    @property
    def is_filled(self) -> bool:
        return self.at == self.end


class Ranges:
    """Fetches what is missing; use it as a context manager, which leaves no thread behind."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        size = _part_size(stream.total - stream.at)
        starts = range(stream.at, stream.total, size)
        self._parts = [_Part(at, min(at + size, stream.total)) for at in starts]
        self._first = 0  # no part before this one has a hole
        # So far ahead that the first stream does not get there before the host has answered.
        self._probe = self._parts[min(CONNECTIONS, len(self._parts)) - 1]
        given = (self._parts[0], self._probe)
        self._missing = [(part.end, part) for part in self._parts if part not in given]
        self._moved = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: set[Answer] = set()
        self._active = 0
        self._width = CONNECTIONS
        self._welcome = False
        self._stopped = False
        self._error: BaseException | None = None

    def __enter__(self) -> Ranges:
        self._file = self._stream.partial.open(os.O_RDWR)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._moved:
            self._stopped = True
            for answer in self._open:
                answer.hang_up()
        for thread in self._threads:
            thread.join()
        self._file.close()

    def start(self) -> None:
        """Start the first two connections.

        To be called inside the ``with`` block, so that an interrupt leaves no thread behind.
        """
        with self._moved:
            self._start(self._parts[0], self._stream.answer)
            self._start(self._probe)  # the others follow when the host has taken this one

    @property
    def whole(self) -> int:
        """Up to where the file has no hole, in bytes."""
        while self._first + 1 < len(self._parts) and self._parts[self._first].is_filled:
            self._first += 1
        return self._parts[self._first].at

    def wait(self, until: int) -> int:
        """Wait until the file is whole up to there at least; gives `whole`.

        Raises:
            IncompleteDownloadError: The last connection failed; the others had given up before.
            CacheWriteError: The disk does not take it.
        """
        with self._moved:
            self._moved.wait_for(lambda: self._error or not self._active or self.whole >= until)
            if self._error:
                raise self._error
            return self.whole

    def _start(self, part: _Part | None = None, answer: Answer | None = None) -> None:
        thread = threading.Thread(target=self._work, args=(part, answer), daemon=True)
        self._threads.append(thread)
        self._active += 1
        thread.start()

    def _work(self, part: _Part | None, answer: Answer | None) -> None:
        """Fill part after part, the first ones from the first stream where that is given."""
        try:
            if part is None:
                part = self._take()
            elif answer:
                part = self._go_on(part, answer)
            while part:
                self._try(part, self._fetch)
                part = self._take()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            with self._moved:
                self._error = self._error or error
                self._moved.notify_all()

    def _go_on(self, first: _Part, answer: Answer) -> _Part | None:
        """Fill part after part from the first stream while they follow; gives another one then."""
        part: _Part | None = first
        at, works = first.at, True
        with self._listed(answer):
            while part and part.at == at and works:
                works = self._try(part, lambda part: self._fill(part, answer))
                at = part.end
                part = self._take()
        answer.close()
        return part

    def _take(self) -> _Part | None:
        """The next part to fetch; None when nothing is left, or this connection is one too many."""
        with self._moved:
            if self._missing and self._active <= self._width and not self._stopped:
                return heapq.heappop(self._missing)[1]
            self._active -= 1
            self._moved.notify_all()
            return None

    def _try(self, part: _Part, fill: Callable[[_Part], None]) -> bool:
        """Fill a part, or leave what is missing of it to the connections that remain."""
        try:
            fill(part)
        except CacheWriteError:
            raise
        except FetchError as error:
            with self._moved:
                if self._active == 1 and self._width == 1 and not self._stopped:
                    raise IncompleteDownloadError(error.message, url=error.url) from error
                heapq.heappush(self._missing, (part.end, part))
                # A body that ends early costs one connection; a refusal is meant for all of them.
                cut = isinstance(error, IncompleteDownloadError)
                self._width = max(1, self._width - 1) if cut else 1
            log.debug("%s One connection less.", error.message)
            return False
        return True

    def _fetch(self, part: _Part) -> None:
        with self._stream.ask(part.at, part.end - 1) as answer, self._listed(answer):
            self._require_part(answer, part)
            self._call_others()
            self._fill(part, answer)

    def _require_part(self, answer: Answer, part: _Part) -> None:
        asked = f"bytes {part.at}-{part.end - 1}/{self._stream.total}"
        same = answer.headers.get("ETag", self._stream.etag) == self._stream.etag
        if answer.status != _PART_OF_IT or answer.headers.get("Content-Range") != asked or not same:
            raise FetchError(
                f"{answer.url} answered {answer.status} when asked for a part.", url=answer.url
            )

    def _call_others(self) -> None:
        """Open the other connections, now that the host has taken a second one."""
        with self._moved:
            if self._welcome or self._stopped:
                return
            self._welcome = True
            for _ in range(min(len(self._missing), self._width - self._active)):
                self._start()

    def _fill(self, part: _Part, answer: Answer) -> None:
        buffer = memoryview(bytearray(_BUFFER))
        while not part.is_filled and not self._stopped:
            count = answer.read_into(buffer[: part.end - part.at])
            if not count:
                raise IncompleteDownloadError(f"{answer.url} ended early.", url=answer.url)
            with writing(self._stream.partial.path):
                _write_all(self._file.fileno(), buffer[:count], part.at)
            with self._moved:
                part.at += count
                self._stream.show(count)
                self._moved.notify_all()

    @contextmanager
    def _listed(self, answer: Answer) -> Iterator[None]:
        """Let whoever stops us hang up on it."""
        with self._moved:
            self._open.add(answer)
            if self._stopped:
                answer.hang_up()
        try:
            yield
        finally:
            with self._moved:
                self._open.discard(answer)


def _part_size(missing: int) -> int:
    """Bytes per part: all connections have the same number of parts, so they end together."""
    rounds = math.ceil(missing / (CONNECTIONS * PART))
    return math.ceil(missing / (CONNECTIONS * rounds))


def _write_all(file: int, data: memoryview, at: int) -> None:
    while data:
        count = os.pwrite(file, data, at)
        data, at = data[count:], at + count
