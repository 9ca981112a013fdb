"""Download one file: resumed if interrupted, verified, and in its place only when complete."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.logs import log
from hubkit._util.parse import parse_count
from hubkit._util.paths import open_regular
from hubkit._util.text import printable
from hubkit._util.urls import redact
from hubkit.errors import (
    CacheWriteError,
    CheckpointError,
    HashMismatchError,
    IncompleteDownloadError,
    UnreachableError,
    UnsafeArchiveError,
)
from hubkit.hubdir.http import apply_mirror, backoff, file_error
from hubkit.hubdir.layout import writing
from hubkit.hubdir.parts import ParallelDownload, Stream, Throughput, claim_partial, is_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from hubkit.hubdir.http import Client, Response
    from hubkit.hubdir.parts import Partial


def download(client: Client, wanted: DownloadRequest) -> DownloadResult:
    """Bring a file to its place.

    A body that ends early is resumed where the host allows it, else fetched again; what a killed
    process left is taken over. The file appears under its name only when it is whole and checked.

    Raises:
        NotModifiedError: It has not changed; raised only where `DownloadRequest.conditions` ask.
        IncompleteDownloadError: It ended early, again and again.
        HashMismatchError: Its digest is not the one wanted.
        AccessDeniedError, UnreachableError, RateLimitedError, FetchError: The host's answer.
        CacheWriteError: The disk does not take it.
    """
    with writing(wanted.path):
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
    partial = claim_partial(wanted.path)
    try:
        with Digest() as digest:
            fetched = Transfer(client, wanted, partial, digest).run()
        _require_hash(wanted, fetched)
        if wanted.settle:
            wanted.settle(partial.path, fetched)
        partial.settle()
    except (CacheWriteError, HashMismatchError, CheckpointError):
        partial.drop()
        raise
    except BaseException:
        partial.leave()
        raise
    return fetched


def _require_hash(wanted: DownloadRequest, fetched: DownloadResult) -> None:
    prefix = (wanted.hash_prefix or "").lower()
    if not fetched.sha256.startswith(prefix):
        raise HashMismatchError(
            f'{wanted.path.name} has an invalid hash value (expected "{prefix}", '
            f'got "{fetched.sha256}").',
            expected=prefix,
            actual=fetched.sha256,
            hint="The file at the URL was changed, or something on the way changed it.",
        )


_ATTEMPTS_WITHOUT_PROGRESS = 3  # tries in a row that bring nothing new
_ATTEMPTS = 20
_STEP = 8 << 20  # bytes after which what arrived in parts is written down and digested
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")
_UNSATISFIED_RANGE = re.compile(r"bytes \*/([0-9]+)")
_PLAIN = {"Accept-Encoding": "identity"}
_OK, _PARTIAL_CONTENT, _NOT_MODIFIED, _RANGE_NOT_SATISFIABLE = 200, 206, 304, 416


class DownloadRequest(Struct, frozen=True):
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
    settle: Callable[[Path, DownloadResult], None] | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None


class DownloadResult(Struct, frozen=True):
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

    def __init__(
        self, client: Client, wanted: DownloadRequest, partial: Partial, digest: Digest
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._partial = partial
        self._digest = digest
        self._digested = 0
        self._alone = False
        self._announced: int | None = None  # how long the file is, by an earlier answer

    def run(self) -> DownloadResult:
        """Try until the file is there; raises what `download` does, but for a wrong digest."""
        fruitless = 0
        for tried in range(1, _ATTEMPTS + 1):
            before = self._partial.offset
            try:
                return self._try()
            except IncompleteDownloadError as error:
                gained = self._partial.etag and self._partial.offset > before
                fruitless = 0 if gained else fruitless + 1
                if fruitless >= _ATTEMPTS_WITHOUT_PROGRESS or tried == _ATTEMPTS:
                    raise
                log.info("%s Going on.", error.message)
            time.sleep(backoff(max(fruitless - 1, 0)))
        raise AssertionError("the last try returns or raises")

    def _try(self) -> DownloadResult:
        offset = self._partial.offset if self._partial.etag else 0
        headers = {**_PLAIN, **self._wanted.conditions}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": self._partial.etag}
        total: int | None = None
        with self._client.get(apply_mirror(self._wanted.url), headers) as answer:
            if answer.status == _NOT_MODIFIED and self._wanted.conditions:
                raise NotModifiedError
            if answer.status not in (_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE):
                raise file_error(answer.url, answer.status)
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
        return DownloadResult(self._digest.result(), size, etag, last_modified, answer.hops)

    def _span(self, answer: Response, offset: int) -> tuple[int, int | None]:
        """Where the body belongs and how long the whole is.

        What is there is given up, and the whole asked for next, where the host sends another part
        than that asked for, or one of another version: some take no notice of ``If-Range``.
        """
        if answer.status == _OK:
            return 0, answer.size
        first, total = _read_range(answer)
        etag = answer.headers.get("ETag", self._partial.etag)
        if total is None or first != offset or (offset and etag != self._partial.etag):
            self._partial.forget()
            raise IncompleteDownloadError(
                f"{answer.url} has changed, or sent another part than asked for.", url=answer.url
            )
        return offset, total

    def _receive(self, answer: Response, start: int, total: int | None) -> None:
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
            pace = Throughput()
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

    def _require_end(self, answer: Response, total: int | None) -> None:
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

    def _spread(self, answer: Response, total: int, show: Callable[[int], object]) -> None:
        """Have the rest arrive over several connections, and digest it as it grows together."""
        self._alone = True  # what could not be had this way is not asked for this way again
        url, etag, at = apply_mirror(self._wanted.url), self._partial.etag, self._digested

        def ask(first: int, last: int) -> AbstractContextManager[Response]:
            part = {"Range": f"bytes={first}-{last}", "If-Range": etag}
            return self._client.get(url, _PLAIN | part, once=True)

        self._partial.grow(at)
        ranges = ParallelDownload(Stream(answer, self._partial, at, total, etag, ask, show))
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


def _is_whole(answer: Response, offset: int) -> bool:
    """Whether a refusal to send what comes after an offset says that nothing does."""
    if answer.status != _RANGE_NOT_SATISFIABLE or not offset:
        return False
    found = _UNSATISFIED_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return found is not None and parse_count(found[1]) == offset


def _read_range(answer: Response) -> tuple[int | None, int | None]:
    """The first byte of a part, and the length of the whole; None for what cannot be read."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
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


SMALL = 1 << 20  # bytes: what is smaller is there before a bar can be read


@contextmanager
def show_progress(
    name: str, total: int | None, *, start: int = 0, wanted: bool = True
) -> Iterator[Callable[[int], object]]:
    """Show a bar on standard error, if that is a terminal; yields what to call with each count.

    Args:
        name: What arrives.
        total: Bytes in all, None when unknown.
        start: Bytes that are there already.
        wanted: False shows nothing.
    """
    worth_it = total is None or total - start > SMALL
    if not (wanted and worth_it and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda _: None
        return
    from tqdm import tqdm

    with tqdm(
        desc=printable(name),
        total=total,
        initial=start,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
    ) as bar:
        yield bar.update


CHUNK = 1 << 20  # bytes: smaller costs calls, larger costs fresh memory
_BUFFERS = 4


class Digest:
    """A ring of buffers whose contents are digested in order; use it as a context manager.

    Take a buffer, fill it, hand it back with the number of bytes that count.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[memoryview, int] | None] = queue.SimpleQueue()
        self._made = 0
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Digest:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._full.put(None)
        self._thread.join()

    def take(self) -> memoryview:
        """A buffer to fill; waits until one has been digested when all are on their way."""
        if self._made < _BUFFERS and self._free.empty():
            self._made += 1
            return memoryview(bytearray(CHUNK))
        return self._free.get()

    def give(self, buffer: memoryview, count: int) -> None:
        """Hand a buffer back, of which the first ``count`` bytes are to be digested."""
        self._full.put((buffer, count))

    def restart(self) -> None:
        """Forget everything digested so far."""
        self._drain()
        self._hash = hashlib.sha256()

    def result(self) -> str:
        """The digest of all that was handed back, in hexadecimal digits."""
        self._drain()
        return self._hash.hexdigest()

    def _drain(self) -> None:
        """Wait until all buffers are back."""
        buffers = [self._free.get() for _ in range(self._made)]
        for buffer in buffers:
            self._free.put(buffer)

    def _work(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, count = item
            self._hash.update(buffer[:count])
            self._free.put(buffer)


def sha256_of(path: Path) -> str:
    """The digest of a file, in hexadecimal digits.

    Raises:
        OSError: It cannot be read, or is a pipe or a device.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(4 * CHUNK))
    descriptor = open_regular(path, follow=True)
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - it is open already
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = (b"<!doctype html", b"<html")


def sniff_content(path: Path) -> str:
    """What a file is that often comes in place of a checkpoint; "" when it is nothing of the kind.

    Args:
        path: The file.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_LFS):
        return "a Git LFS pointer"
    return "a web page" if head.lstrip().lower().startswith(_HTML) else ""


def require_checkpoint(path: Path, url: str) -> None:
    """Insist that a file may be a checkpoint.

    Raises:
        CheckpointError: It is something else that is known.
    """
    impostor = sniff_content(path)
    if impostor:
        raise CheckpointError(
            f"{redact(url)} is {impostor}, not a checkpoint.",
            hint="Use the address of the file itself: on GitHub that of a release asset, or with "
            "/raw/ where that of the page has /blob/. A page may also be asking to log in.",
        )
