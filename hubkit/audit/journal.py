"""Outcomes that are not in the tables yet: a file beside the database.

To append an outcome costs a hundredth of what it costs to write its rows to the tables one repo at a
time. So each outcome is appended at once, and many of them go to the tables together. If a
process is killed, the file stays, and the next process that writes to the database moves its outcomes
to the tables.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Struct

from hubkit.audit.messages import Outcome  # noqa: TC001
from hubkit.audit.sources import Source  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_WORD = 4  # bytes of the length and of the checksum in front of an entry


class Entry(Struct, frozen=True):
    """An outcome and what belongs to it.

    Attributes:
        run: The run.
        started: When the run was started; the same number may be a run of another database.
        source: The repo.
        outcome: What came of it.
        settings: Digest of the settings.
        commit_id: The earlier results that it calls unchanged; else None.
    """

    run: int
    started: datetime
    source: Source
    outcome: Outcome
    settings: str
    commit_id: int | None = None


class Journal:
    """The file; it exists while it has entries.

    Args:
        path: The file.

    Attributes:
        size: How many bytes were appended since it was cleared.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None
        self.size = 0

    def read(self) -> Iterator[Entry]:
        """The entries. One that was not written to its end is none, like all after it."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        while len(data) > 2 * _WORD:
            length = int.from_bytes(data[:_WORD], "big")
            body = data[2 * _WORD :][:length]
            if _checksum(body) != data[_WORD : 2 * _WORD]:
                return
            try:
                yield msgspec.msgpack.decode(body, type=Entry)
            except msgspec.MsgspecError:  # of another version of hubkit
                return
            data = data[2 * _WORD + length :]

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; they are on the disk when this returns.

        Raises:
            OSError: They cannot be written.
        """
        if self._stream is None:
            self._stream = self._path.open("ab", buffering=0)
        bodies = [msgspec.msgpack.encode(one) for one in entries]
        data = b"".join(len(one).to_bytes(_WORD, "big") + _checksum(one) + one for one in bodies)
        left = memoryview(data)
        while left:
            left = left[self._stream.write(left) or 0 :]
        os.fsync(self._stream.fileno())
        self.size += len(data)

    def clear(self) -> None:
        """Remove all entries: they are in the tables."""
        if self._stream is not None:
            self._stream.truncate(0)
        else:
            self._path.unlink(missing_ok=True)
        self.size = 0

    def close(self) -> None:
        """Close the file, and remove it if it has no entries."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        with suppress(OSError):
            if not self._path.stat().st_size:
                self._path.unlink()


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_WORD, "big")
