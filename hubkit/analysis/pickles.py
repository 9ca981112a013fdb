"""Names and strings in the pickle of a checkpoint, read from its opcodes; nothing is unpickled."""

from __future__ import annotations

import io
import pickletools
import re
import tarfile
from typing import IO, TYPE_CHECKING, Any, cast

from msgspec import Struct

from hubkit import limits
from hubkit._util.zips import DAMAGED, find_pickles, is_script, open_zip, read_as_torch

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before torch 1.6 a checkpoint was five pickles in a row: a magic number, the protocol, facts on
# the machine, the object, the keys of its storages (torch/serialization.py, _legacy_save).
_LEGACY_PICKLES = 5
_ZIP_START = b"PK\x03\x04"
_PICKLE_START = b"\x80"
_TAR_HEADER = 512  # bytes
# What the scan of damaged or hostile bytes raises.
_UNREADABLE = (ValueError, IndexError, EOFError, OverflowError, KeyError)
_CALLS = frozenset({"REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"})
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_UNKNOWN = "?"  # a name that the pickle computes


class PickleScan(Struct, frozen=True):
    """What the opcodes of a checkpoint show.

    Attributes:
        names: Dotted names that unpickling would import, in order.
        texts: All strings, in order.
        is_script: Whether the file is a TorchScript archive, which is not scanned.
        is_complete: Whether the pickle was read to its end. If it was not, torch may still run
            what comes before.
    """

    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_script: bool = False
    is_complete: bool = True


def scan_checkpoint(stream: IO[bytes]) -> PickleScan | None:
    """Scan a checkpoint.

    Args:
        stream: The file, at its start: torch's zip format, the ones before 1.6, or a plain pickle.

    Returns:
        The scan, as far as the file can be read; None for a file of another kind.
    """
    start = stream.read(_TAR_HEADER)
    stream.seek(0)
    if start.startswith(_ZIP_START):
        return _scan_zip(stream)
    if _is_tar(start):  # torch before 0.1.12, and torch.load still looks for it first
        return PickleScan(is_complete=False)
    scan = _Scan()
    bounded = cast("IO[bytes]", _Bounded(stream))
    is_complete = scan.read(bounded)
    if not start.startswith(_PICKLE_START):
        # Pickles of protocols 0 and 1 start with anything. Most such files are something else.
        names = tuple(filter(_NAME.fullmatch, scan.names)) if scan.calls else ()
        return PickleScan(names, tuple(scan.texts)) if names else None
    for _ in range(_LEGACY_PICKLES - 1):
        # What follows the pickles of an old checkpoint is not a pickle.
        if not is_complete or not scan.read(bounded):
            break
    return PickleScan(tuple(scan.names), tuple(scan.texts), is_complete=is_complete)


def _is_tar(start: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _scan_zip(stream: IO[bytes]) -> PickleScan | None:
    scan, is_complete = _Scan(), True
    try:
        with open_zip(stream, limits.CHECKPOINT_INDEX, limits.CHECKPOINT_MEMBERS) as archive:
            if is_script(archive):
                return PickleScan(is_script=True)
            pickles = find_pickles(archive)
            if not pickles:
                return None
            for member in pickles:
                content = read_as_torch(archive, member, limits.PICKLE_BYTES.most)
                is_complete &= scan.read(io.BytesIO(content))
            is_complete &= len(pickles) == 1
    except (*DAMAGED, OSError):
        is_complete = False
    return PickleScan(tuple(scan.names), tuple(scan.texts), is_complete=is_complete)


class _Scan:
    """The names and strings of pickles, collected as far as they can be read.

    Attributes:
        names: Dotted names that unpickling would import.
        texts: All strings.
        calls: The number of opcodes that call something.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.texts: list[str] = []
        self.calls = 0
        self._left = limits.PICKLE_OPCODES.most

    def read(self, stream: IO[bytes]) -> bool:
        """Scan one pickle and leave the stream after its end; False if that is not reached."""
        machine = _Machine()
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                self._left -= 1
                if self._left < 0:
                    return False
                self.calls += opcode.name in _CALLS
                for name in machine.run(opcode, argument):
                    self.names.append(name)
                if isinstance(argument, str) and _is_text(opcode.name):
                    self.texts.append(argument)
        except _UNREADABLE:
            return False
        return True


class _Machine:
    """The stack of the unpickler, with strings as they are and None for all other values."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self, opcode: pickletools.OpcodeInfo, argument: Any) -> Iterator[str]:  # noqa: ANN401
        """Run one opcode; gives the name that it imports, if it imports one."""
        match opcode.name:
            case "GLOBAL" | "INST":
                yield str(argument).replace(" ", ".", 1)
            case "STACK_GLOBAL":
                yield _join(self._stack[-2:])
            case "EXT1" | "EXT2" | "EXT4":
                yield _UNKNOWN
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[int(argument)] = self._stack[-1]
            case "DUP":
                self._stack.append(self._stack[-1])
                return
        self._push(opcode, self._value(opcode.name, argument), self._pop(opcode))

    def _value(self, name: str, argument: Any) -> object:  # noqa: ANN401
        if name in ("GET", "BINGET", "LONG_BINGET"):
            return self._memo[int(argument)]
        return str(argument) if _is_text(name) else None

    def _pop(self, opcode: pickletools.OpcodeInfo) -> object:
        """Take what an opcode takes; gives the value on top."""
        taken = opcode.stack_before
        top = self._stack[-1] if self._stack else None
        if pickletools.markobject in taken:
            while self._stack.pop() is not pickletools.markobject:
                pass
            taken = taken[: taken.index(pickletools.markobject)]
        for _ in taken:
            self._stack.pop()
        return top

    def _push(self, opcode: pickletools.OpcodeInfo, value: object, top: object) -> None:
        for kind in opcode.stack_after:
            if kind is pickletools.markobject:
                self._stack.append(kind)
            else:
                self._stack.append(top if opcode.name in _KEEPS_TOP else value)


# They leave the value on top of the stack there.
_KEEPS_TOP = frozenset({"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"})


def _is_text(opcode: str) -> bool:
    return "UNICODE" in opcode or "STRING" in opcode


def _join(parts: list[object]) -> str:
    """The dotted name of a module and a name in it."""
    module, name = parts
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else _UNKNOWN


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
            raise ValueError("the pickle is larger than that of any checkpoint")
        return data
