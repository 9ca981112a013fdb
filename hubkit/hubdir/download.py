"""Download one file: resumed if interrupted, verified, and in its place only when complete."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import shutil
import threading
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.logs import log
from hubkit._util.parse import parse_count
from hubkit._util.paths import open_regular
from hubkit._util.progress import show_progress
from hubkit._util.urls import redact
from hubkit.errors import (
    CacheWriteError,
    CheckpointError,
    HashMismatchError,
    IncompleteDownloadError,
    UnreachableError,
    UnsafeArchiveError,
)
from hubkit.hubdir.addresses import apply_mirror
from hubkit.hubdir.http_errors import file_error
from hubkit.hubdir.layout import writing
from hubkit.hubdir.partial import claim_partial
from hubkit.hubdir.parts import ParallelDownload, Stream, Throughput, is_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hubkit.hubdir.http import Client, Response
    from hubkit.hubdir.partial import Partial


def download(client: Client, request: DownloadRequest) -> DownloadResult:
    """Download a file to its place.

    If the body ends early, the download is resumed if the host supports it, and else started again. A
    partial file of a killed process is resumed too. The file gets its name only when it is complete and
    verified.

    Raises:
        NotModifiedError: It has not changed; only with `DownloadRequest.conditions`.
        IncompleteDownloadError: The body ended early, repeatedly.
        HashMismatchError: Its digest does not match.
        AccessDeniedError, UnreachableError, RateLimitedError, FetchError: The host refused, or failed.
        CacheWriteError: It cannot be written.
    """
    with writing(request.path):
        request.path.parent.mkdir(parents=True, exist_ok=True)
    partial = claim_partial(request.path, request.beside)
    try:
        with Digest() as digest:
            result = Transfer(client, request, partial, digest).run()
        _require_hash(request, result)
        if request.before_placing:
            request.before_placing(partial.path, result)
        partial.finish()
    except (CacheWriteError, HashMismatchError, CheckpointError):
        partial.remove()
        raise
    except BaseException:
        partial.release()
        raise
    return result


def _require_hash(request: DownloadRequest, result: DownloadResult) -> None:
    prefix = (request.hash_prefix or "").lower()
    if not result.sha256.startswith(prefix):
        raise HashMismatchError(
            f'{request.path.name} has an invalid hash value (expected "{prefix}", '
            f'got "{result.sha256}").',
            expected=prefix,
            actual=result.sha256,
            hint="The file at the URL has changed, or was changed in transit.",
        )


_ATTEMPTS_WITHOUT_PROGRESS = 3  # in a row
_ATTEMPTS = 20
_STEP = 8 << 20  # bytes after which parts are digested
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")
_UNSATISFIED_RANGE = re.compile(r"bytes \*/([0-9]+)")
_PLAIN = {"Accept-Encoding": "identity"}
_OK, _PARTIAL_CONTENT, _NOT_MODIFIED, _RANGE_NOT_SATISFIABLE = 200, 206, 304, 416


class DownloadRequest(Struct, frozen=True):
    """A file to download.

    Attributes:
        url: The URL.
        path: The target; replaced if it exists.
        hash_prefix: First hexadecimal digits of its sha256.
        progress: Whether to show how far it is.
        label: What it is called there; by default the target's name.
        before_placing: Called with the temporary path and the result before the file is put in place;
            raises if the file must not be used.
        conditions: Headers that request the file only if it has changed.
        most: Maximum size in bytes, None for any size.
        beside: A path beside which partial files lie, if the target's folder is removed at the end.
    """

    url: str
    path: Path
    hash_prefix: str | None = None
    progress: bool = True
    label: str = ""
    before_placing: Callable[[Path, DownloadResult], None] | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None
    beside: Path | None = None


class DownloadResult(Struct, frozen=True):
    """A downloaded file.

    Attributes:
        sha256: Its digest in hexadecimal.
        size: Its length in bytes.
        etag: The host's ``ETag``, "" if there is none.
        last_modified: The host's ``Last-Modified``.
        hops: The redacted URLs of all redirects, from the requested URL on.
    """

    sha256: str
    size: int
    etag: str
    last_modified: str
    hops: tuple[str, ...] = ()


class NotModifiedError(Exception):
    """The host reports that the file has not changed."""


class Transfer:
    """Downloads one file, in as many attempts as it takes."""

    def __init__(
        self, client: Client, request: DownloadRequest, partial: Partial, digest: Digest
    ) -> None:
        self._client = client
        self._request = request
        self._partial = partial
        self._digest = digest
        self._digested = 0
        self._announced: int | None = None  # length of the file, from an earlier response

    def run(self) -> DownloadResult:
        """Repeat until the file is complete; raises what `download` does, except for a wrong digest."""
        idle = 0
        for attempt in range(1, _ATTEMPTS + 1):
            before = self._partial.arrived
            try:
                return self._try()
            except IncompleteDownloadError as error:
                gained = self._partial.etag and self._partial.arrived > before
                idle = 0 if gained else idle + 1
                if idle >= _ATTEMPTS_WITHOUT_PROGRESS or attempt == _ATTEMPTS:
                    raise
                log.info("%s Retrying.", error.message)
            self._client.pause(max(idle - 1, 0))
        raise AssertionError("the last attempt returns or raises")

    def _try(self) -> DownloadResult:
        offset = self._partial.offset if self._partial.etag else 0
        headers = {**_PLAIN, **self._request.conditions}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": self._partial.etag}
        total: int | None = None
        with self._client.get(apply_mirror(self._request.url), headers) as response:
            if response.status == _NOT_MODIFIED and self._request.conditions:
                raise NotModifiedError
            if response.status not in (_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE):
                raise file_error(response)
            if self._announced in (None, offset) and self._is_whole(response, offset):
                self._catch_up(offset)
            else:
                start, total = self._span(response, offset)
                self._announced = total
                if start == 0:
                    # Remove old bytes first: the journal describes the new ones.
                    self._partial.path.unlink(missing_ok=True)
                    self._partial.set_version(response, total)
                    with writing(self._request.path):
                        self._partial.create()
                self._receive(response, start, total)
        size = self._partial.offset
        if total is not None and size != total:
            raise IncompleteDownloadError(
                f"{response.url} ended after {size} of {total} bytes.", url=response.url
            )
        etag = response.headers.get("ETag", self._partial.etag)
        last_modified = response.headers.get("Last-Modified", "")
        return DownloadResult(self._digest.result(), size, etag, last_modified, response.hops)

    def _is_whole(self, response: Response, offset: int) -> bool:
        """Whether a refusal to send what follows an offset means that the file ends there."""
        if response.status != _RANGE_NOT_SATISFIABLE or not offset or self._partial.missing:
            return False
        found = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return found is not None and parse_count(found[1]) == offset

    def _span(self, response: Response, offset: int) -> tuple[int, int | None]:
        """The position of the body, and the length of the whole file.

        If the host sends another part than requested, or one of another version, the partial file is dropped
        and the next attempt requests the whole file: some hosts ignore ``If-Range``.
        """
        if response.status == _OK:
            return 0, response.size
        first, total = _read_range(response)
        etag = response.headers.get("ETag", self._partial.etag)
        is_same = etag == self._partial.etag and self._partial.end in (offset, total)
        if total is None or first != offset or (offset and not is_same):
            self._partial.reset()
            raise IncompleteDownloadError(
                f"{response.url} has changed, or returned a different part than requested.",
                url=response.url,
            )
        return offset, total

    def _receive(self, response: Response, start: int, total: int | None) -> None:
        self._require_few(total or 0)
        _require_space(self._request.path, (total or 0) - self._partial.arrived)
        self._catch_up(start)
        name = self._request.label or self._request.path.name
        wanted = self._request.progress
        with (
            writing(self._request.path),
            self._partial.open(os.O_WRONLY | os.O_APPEND) as file,
            show_progress(name, total, start=self._partial.arrived, wanted=wanted) as show,
        ):
            if self._partial.missing:
                self._download_parallel(response, total or 0, show)
                return
            pace = Throughput()
            while True:
                buffer = self._digest.take()
                count = 0
                began = time.perf_counter()
                try:
                    count = response.read_into(buffer)
                    seconds = time.perf_counter() - began
                    if count:
                        _write_all(file.write, buffer[:count])
                finally:
                    self._digest.give(buffer, count)
                    self._digested += count
                if not count:
                    return
                self._require_few(self._digested)
                self._require_end(response, total)
                show(count)
                if pace.is_slow(count, seconds) and self._may_parallelize(total):
                    self._download_parallel(response, total or 0, show)
                    return

    def _require_few(self, count: int) -> None:
        most = self._request.most
        if most is not None and count > most:
            raise UnsafeArchiveError(
                f"{redact(self._request.url)} is larger than {most} bytes, the limit for archives of repos."
            )

    def _require_end(self, response: Response, total: int | None) -> None:
        most = limits.DOWNLOAD_BYTES.most
        if total is None and self._digested > most:
            self._partial.reset()
            raise UnreachableError(
                f"{response.url} sends more than {most} bytes without a Content-Length.",
                url=response.url,
                hint="If the file really is that large, download it with another program.",
            )

    def _may_parallelize(self, total: int | None) -> bool:
        is_resumable = total is not None and bool(self._partial.etag)
        return is_resumable and is_possible((total or 0) - self._digested)

    def _download_parallel(
        self, response: Response, total: int, show: Callable[[int], object]
    ) -> None:
        """Fetch the rest over several connections, and digest it as far as it is contiguous."""
        url, etag = apply_mirror(self._request.url), self._partial.etag

        def request_range(first: int, last: int) -> AbstractContextManager[Response]:
            part = {"Range": f"bytes={first}-{last}", "If-Range": etag}
            return self._client.get(url, _PLAIN | part, once=True)

        with ParallelDownload(
            Stream(response, self._partial, total, etag, request_range, show)
        ) as ranges:
            ranges.start()
            while self._digested < total:
                self._catch_up(ranges.wait(min(self._digested + _STEP, total)))

    def _catch_up(self, start: int) -> None:
        """Digest exactly the bytes before ``start``, reading back what is missing."""
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
                    self._partial.reset()
                    raise IncompleteDownloadError(f"{self._partial.path} has become shorter.")


def _read_range(response: Response) -> tuple[int | None, int | None]:
    """The first byte of a part, and the length of the whole; None if unreadable."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
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
            f"Not enough disk space for {path}: {size >> 20} MiB needed, {free >> 20} MiB free.",
            hint="Free some space, or set TORCH_HOME to use another hub dir.",
        )


# Bytes. Writes of 1 MiB took five times the system time on Linux 6, which backs them by large pages.
CHUNK = 1 << 17
_BUFFERS = 8


class Digest:
    """The sha256 of a stream, computed in a second thread: one core cannot do both at 10 Gbit/s.

    A context manager with a ring of buffers, digested in order: take a buffer, fill it, and give it back
    with the number of bytes in it.
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

    def __exit__(self, *_: object) -> None:
        self._full.put(None)
        self._thread.join()

    def take(self) -> memoryview:
        """Return a buffer to fill; wait for one if all are in use."""
        if self._made < _BUFFERS and self._free.empty():
            self._made += 1
            return memoryview(bytearray(CHUNK))
        return self._free.get()

    def give(self, buffer: memoryview, count: int) -> None:
        """Give a buffer back; its first ``count`` bytes are digested."""
        self._full.put((buffer, count))

    def restart(self) -> None:
        """Discard everything digested so far."""
        self._drain()
        self._hash = hashlib.sha256()

    def result(self) -> str:
        """The digest of everything given back, in hexadecimal."""
        self._drain()
        return self._hash.hexdigest()

    def _drain(self) -> None:
        """Wait until all buffers are free."""
        buffers = [self._free.get() for _ in range(self._made)]
        for buffer in buffers:
            self._free.put(buffer)

    def _work(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, count = item
            self._hash.update(buffer[:count])
            self._free.put(buffer)


def sha256_of(path: Path, advance: Callable[[int], object] = int) -> str:
    """The digest of a file, in hexadecimal.

    Args:
        path: The file.
        advance: Called with the number of bytes of each piece.

    Raises:
        OSError: It cannot be read, or is a pipe or a device.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(4 * CHUNK))
    descriptor = open_regular(path, follow=True)
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - it is open already
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            advance(count)
    return digest.hexdigest()


_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = (b"<!doctype html", b"<html")


def sniff_content(path: Path) -> str:
    """Name what a file is if it is not a checkpoint, but what hosts often send instead; "" otherwise."""
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_LFS):
        return "a Git LFS pointer"
    return "a web page" if head.lstrip().lower().startswith(_HTML) else ""


def require_checkpoint(path: Path, url: str) -> None:
    """Require that a file may be a checkpoint.

    Raises:
        CheckpointError: It is a web page or a pointer file.
    """
    kind = sniff_content(path)
    if kind:
        raise CheckpointError(
            f"{redact(url)} is {kind}, not a checkpoint.",
            hint="Use the URL of the file itself: on GitHub, that of a release asset, or the page's URL with "
            "/raw/ instead of /blob/. The page may also be a login page.",
        )
