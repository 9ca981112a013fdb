"""sha256 of what streams by, in a second thread: one core cannot do both at 10 Gbit/s."""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import TYPE_CHECKING

from hubkit._util.paths import open_regular

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

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
