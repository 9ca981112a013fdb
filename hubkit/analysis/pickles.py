"""Names and strings in the pickle of a checkpoint, read from its opcodes; nothing is unpickled."""

from __future__ import annotations

import io
import pickletools
from typing import IO, TYPE_CHECKING, cast

from msgspec import Struct

from hubkit import limits
from hubkit._util.zips import DAMAGED, open_zip, read_member

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before torch 1.6 a checkpoint was five pickles in a row: a magic number, the protocol, facts on
# the machine, the object, the keys of its storages (torch/serialization.py, _legacy_save).
_LEGACY_PICKLES = 5
_ZIP_START = b"PK\x03\x04"
_PICKLE_START = b"\x80"
# What the scan of damaged or hostile bytes raises.
_UNREADABLE = (ValueError, IndexError, EOFError, OverflowError)


class PickleScan(Struct, frozen=True):
    """What the opcodes of a checkpoint show.

    Attributes:
        names: Dotted names that unpickling would import, in order.
        texts: All strings, in order.
        is_script: Whether the file is a TorchScript archive, which is not scanned.
    """

    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_script: bool = False


def find_globals(data: bytes) -> frozenset[str] | None:
    """Dotted names that unpickling a checkpoint would import.

    Args:
        data: The file: torch's zip format, the one before 1.6, or a plain pickle.

    Returns:
        The names; None for what is not a checkpoint, such as a TorchScript archive.
    """
    try:
        scan = scan_checkpoint(io.BytesIO(data))
    except ValueError:
        return None
    return None if scan is None or scan.is_script else frozenset(scan.names)


def scan_checkpoint(stream: IO[bytes]) -> PickleScan | None:
    """Scan a checkpoint.

    Args:
        stream: The file, at its start: torch's zip format, the one before 1.6, or a plain pickle.

    Returns:
        The scan, as far as the file can be read; None for a file of another kind.

    Raises:
        ValueError: The file is a damaged zip archive.
    """
    start = stream.read(len(_ZIP_START))
    stream.seek(0)
    if start == _ZIP_START:
        return _scan_zip(stream)
    if not start.startswith(_PICKLE_START):
        return None
    names: list[str] = []
    texts: list[str] = []
    bounded = cast("IO[bytes]", _Bounded(stream))
    try:
        for _ in range(_LEGACY_PICKLES):
            _scan(bounded, names, texts)
    except _UNREADABLE:
        pass  # What follows the pickles of an old checkpoint is not a pickle.
    return PickleScan(tuple(names), tuple(texts))


def _scan_zip(stream: IO[bytes]) -> PickleScan | None:
    names: list[str] = []
    texts: list[str] = []
    try:
        with open_zip(stream, limits.CHECKPOINT_INDEX) as archive:
            members = archive.infolist()
            if any("/code/" in f"/{member.filename}" for member in members):
                return PickleScan(is_script=True)
            pickled = [m for m in members if m.filename.rpartition("/")[2] == "data.pkl"]
            if not pickled:
                return None
            content = read_member(archive, pickled[0], limits.PICKLE_BYTES.most)
        _scan(io.BytesIO(content), names, texts)
    except (*DAMAGED, *_UNREADABLE, OSError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    return PickleScan(tuple(names), tuple(texts))


def _scan(stream: IO[bytes], names: list[str], texts: list[str]) -> None:
    """Add the names and strings of one pickle; the stream is left after its end."""
    for opcode, argument in _opcodes(stream):
        if opcode == "name":
            names.append(argument)
        else:
            texts.append(argument)


def _opcodes(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    strings: list[str] = []
    memo: dict[int, str] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > limits.PICKLE_OPCODES.most:
            return
        match opcode.name:
            case "GLOBAL" | "INST":
                yield "name", str(argument).replace(" ", ".", 1)
            case "STACK_GLOBAL":
                yield "name", ".".join(strings[-2:])
            case "MEMOIZE":
                memo[len(memo)] = strings[-1] if strings else ""
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[int(argument or 0)] = strings[-1] if strings else ""
            case "GET" | "BINGET" | "LONG_BINGET":
                strings.append(memo.get(int(argument or 0), ""))
            case _ if "UNICODE" in opcode.name or "STRING" in opcode.name:
                strings.append(str(argument))
                yield "text", strings[-1]


class _Bounded:
    """A stream of which no more is read than a pickle may have."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = limits.PICKLE_BYTES.most

    def read(self, count: int) -> bytes:
        return self._count(self._stream.read(min(count, self._left + 1)))

    def readline(self) -> bytes:
        return self._count(self._stream.readline(self._left + 1))

    def tell(self) -> int:
        return self._stream.tell()

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("a pickle larger than that of any checkpoint")
        return data
