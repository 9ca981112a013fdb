"""The tries to get one file: resumed when cut, over several connections where one is slow."""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.logs import log
from hubkit._util.parse import parse_count
from hubkit.errors import (
    CacheWriteError,
    IncompleteDownloadError,
    UnreachableError,
    UnsafeArchiveError,
)
from hubkit.hubdir.answers import refused_file, retry_delay
from hubkit.hubdir.digest import CHUNK
from hubkit.hubdir.disk import writing
from hubkit.hubdir.hosts import redact, rewrite
from hubkit.hubdir.progress import show_progress
from hubkit.hubdir.ranges import Pace, Ranges, Stream, is_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hubkit.hubdir.digest import Digest
    from hubkit.hubdir.http import Answer, Client
    from hubkit.hubdir.partial import Partial

_FRUITLESS = 3  # tries in a row that bring nothing new
_TRIES = 20
_STEP = 8 << 20  # bytes after which what arrived in parts is written down and digested
_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")
_PAST_RANGE = re.compile(r"bytes \*/([0-9]+)")
_PLAIN = {"Accept-Encoding": "identity"}
_WHOLE, _PART, _NOT_MODIFIED, _PAST_THE_END = 200, 206, 304, 416


class Wanted(Struct, frozen=True):
    """What is to be downloaded.

    Attributes:
        url: From where.
        path: Where to; replaced when it exists.
        hash_prefix: First hexadecimal digits of the sha256 that it must have.
        progress: Whether to show a bar.
        settle: Called with the file that is about to be put in place and what is known of it;
            raises if it is not fit.
        conditions: Headers that ask for it only if it has changed.
        most: Bytes that it may have, None for any number.
    """

    url: str
    path: Path
    hash_prefix: str | None = None
    progress: bool = True
    settle: Callable[[Path, Fetched], None] | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None


class Fetched(Struct, frozen=True):
    """What was downloaded.

    Attributes:
        sha256: Its digest in hexadecimal digits.
        size: Its length in bytes.
        etag: The host's mark for it, "" when there is none.
        last_modified: When the host says that it was changed, as it says it.
        hops: The URLs that redirects led along, fit to be shown; that which was asked for first.
    """

    sha256: str
    size: int
    etag: str
    last_modified: str
    hops: tuple[str, ...] = ()


class NotModifiedError(Exception):
    """The host says that what is there already is what it has."""


class Transfer:
    """The tries to get one file."""

    def __init__(self, client: Client, wanted: Wanted, partial: Partial, digest: Digest) -> None:
        self._client = client
        self._wanted = wanted
        self._partial = partial
        self._digest = digest
        self._digested = 0
        self._alone = False
        self._announced: int | None = None  # how long the file is, by an earlier answer

    def run(self) -> Fetched:
        """Try until the file is there; raises what `download` does, but for a wrong digest."""
        fruitless = 0
        for tried in range(1, _TRIES + 1):
            before = self._partial.offset
            try:
                return self._try()
            except IncompleteDownloadError as error:
                gained = self._partial.etag and self._partial.offset > before
                fruitless = 0 if gained else fruitless + 1
                if fruitless >= _FRUITLESS or tried == _TRIES:
                    raise
                log.info("%s Going on.", error.message)
            time.sleep(retry_delay({}, max(fruitless, 1)))
        raise AssertionError("the last try returns or raises")

    def _try(self) -> Fetched:
        offset = self._partial.offset if self._partial.etag else 0
        headers = {**_PLAIN, **self._wanted.conditions}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": self._partial.etag}
        total: int | None = None
        with self._client.get(rewrite(self._wanted.url), headers) as answer:
            if answer.status == _NOT_MODIFIED and self._wanted.conditions:
                raise NotModifiedError
            if answer.status not in (_WHOLE, _PART, _PAST_THE_END):
                raise refused_file(answer.url, answer.status)
            if self._announced in (None, offset) and _is_whole(answer, offset):
                self._catch_up(offset)
            else:
                start, total = self._span(answer, offset)
                self._announced = total
                if start == 0:
                    # Old bytes go first: the record is about the new ones.
                    self._partial.path.unlink(missing_ok=True)
                    self._partial.note(answer, total)
                    with writing(self._wanted.path):
                        self._partial.begin()
                self._receive(answer, start, total)
        size = self._partial.offset
        if total is not None and size != total:
            raise IncompleteDownloadError(
                f"{answer.url} ended after {size} of {total} bytes.", url=answer.url
            )
        etag = answer.headers.get("ETag", self._partial.etag)
        last_modified = answer.headers.get("Last-Modified", "")
        return Fetched(self._digest.result(), size, etag, last_modified, answer.hops)

    def _span(self, answer: Answer, offset: int) -> tuple[int, int | None]:
        """Where the body belongs and how long the whole is.

        What is there is given up, and the whole asked for next, where the host sends another part
        than that asked for, or one of another version: some take no notice of ``If-Range``.
        """
        if answer.status == _WHOLE:
            return 0, answer.size
        first, total = _read_range(answer)
        etag = answer.headers.get("ETag", self._partial.etag)
        if total is None or first != offset or (offset and etag != self._partial.etag):
            self._partial.forget()
            raise IncompleteDownloadError(
                f"{answer.url} has changed, or sent another part than asked for.", url=answer.url
            )
        return offset, total

    def _receive(self, answer: Answer, start: int, total: int | None) -> None:
        self._require_few(total or 0)
        _require_space(self._wanted.path, (total or 0) - start)
        self._catch_up(start)
        name = self._wanted.path.name
        wanted = self._wanted.progress
        with (
            writing(self._wanted.path),
            self._partial.open(os.O_WRONLY | os.O_APPEND) as file,
            show_progress(name, total, start=start, wanted=wanted) as show,
        ):
            pace = Pace()
            while True:
                buffer = self._digest.take()
                count = 0
                began = time.perf_counter()
                try:
                    count = answer.read_into(buffer)
                    took = time.perf_counter() - began
                    if count:
                        _write_all(file.write, buffer[:count])
                finally:
                    self._digest.give(buffer, count)
                    self._digested += count
                if not count:
                    return
                self._require_few(self._digested)
                self._require_end(answer, total)
                show(count)
                if pace.is_slow(count, took) and self._may_spread(total):
                    self._spread(answer, total or 0, show)
                    return

    def _require_few(self, count: int) -> None:
        most = self._wanted.most
        if most is not None and count > most:
            raise UnsafeArchiveError(
                f"{redact(self._wanted.url)} has more than {most} bytes, which no repo's archive has."
            )

    def _require_end(self, answer: Answer, total: int | None) -> None:
        most = limits.DOWNLOAD_BYTES.most
        if total is None and self._digested > most:
            self._partial.forget()
            raise UnreachableError(
                f"{answer.url} sends more than {most} bytes without saying how many.",
                url=answer.url,
                hint="Download the file by other means if it is meant to be that large.",
            )

    def _may_spread(self, total: int | None) -> bool:
        known = total is not None and bool(self._partial.etag)
        return known and not self._alone and is_possible((total or 0) - self._digested)

    def _spread(self, answer: Answer, total: int, show: Callable[[int], object]) -> None:
        """Have the rest arrive over several connections, and digest it as it grows together."""
        self._alone = True  # what could not be had this way is not asked for this way again
        url, etag, at = rewrite(self._wanted.url), self._partial.etag, self._digested

        def ask(first: int, last: int) -> AbstractContextManager[Answer]:
            part = {"Range": f"bytes={first}-{last}", "If-Range": etag}
            return self._client.get(url, _PLAIN | part, once=True)

        self._partial.grow(at)
        ranges = Ranges(Stream(answer, self._partial, at, total, etag, ask, show))
        try:
            with ranges:
                ranges.start()
                while self._digested < total:
                    whole = ranges.wait(min(self._digested + _STEP, total))
                    self._partial.grow(whole)
                    self._catch_up(whole)
        finally:
            self._partial.grow(ranges.whole)
            self._partial.cut()

    def _catch_up(self, start: int) -> None:
        """Have exactly the bytes before ``start`` digested, reading back what is not."""
        if self._digested > start:
            self._digest.restart()
            self._digested = 0
        if self._digested == start:
            return
        with writing(self._partial.path), self._partial.open(os.O_RDONLY) as file:
            file.seek(self._digested)
            while self._digested < start:
                buffer = self._digest.take()
                count = file.readinto(buffer[: min(CHUNK, start - self._digested)]) or 0
                self._digest.give(buffer, count)
                self._digested += count
                if not count:
                    return


def _is_whole(answer: Answer, offset: int) -> bool:
    """Whether a refusal to send what comes after an offset says that nothing does."""
    if answer.status != _PAST_THE_END or not offset:
        return False
    found = _PAST_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return found is not None and parse_count(found[1]) == offset


def _read_range(answer: Answer) -> tuple[int | None, int | None]:
    """The first byte of a part, and the length of the whole; None for what cannot be read."""
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return (parse_count(found[1]), parse_count(found[2])) if found else (None, None)


def _write_all(write: Callable[[memoryview], int], data: memoryview) -> None:
    while data:
        data = data[write(data) :]


def _require_space(path: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return
    if free < size:
        raise CacheWriteError(
            f"{path} does not fit: it needs {size >> 20} MiB more, {free >> 20} MiB are free.",
            hint="Free some space, or use another hub dir: set TORCH_HOME.",
        )
