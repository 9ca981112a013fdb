"""What a checkpoint would import when it is loaded, read from its opcodes; nothing is unpickled."""

from __future__ import annotations

import io
import pickletools
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.zips import DAMAGED, open_zip, read_member

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before torch 1.6 a checkpoint was five pickles in a row: a magic number, the protocol, facts on
# the machine, the object, the keys of its storages (torch/serialization.py, _legacy_save).
_LEGACY_PICKLES = 5
_PICKLE_START = b"\x80"


def find_globals(data: bytes) -> frozenset[str] | None:
    """Dotted names that unpickling a checkpoint would import.

    Args:
        data: The file: torch's zip format, the one before 1.6, or a plain pickle.

    Returns:
        The names; None for what is not a checkpoint, such as a TorchScript archive.
    """
    if data.startswith(b"PK\x03\x04"):
        return _from_zip(data)
    if not data.startswith(_PICKLE_START):
        return None
    names: set[str] = set()
    stream = io.BytesIO(data)
    try:
        for _ in range(_LEGACY_PICKLES):
            names.update(_scan(stream))
    except (ValueError, IndexError, EOFError, OverflowError):
        pass  # What follows the pickles of an old checkpoint is none.
    return frozenset(names)


def _from_zip(data: bytes) -> frozenset[str] | None:
    try:
        with open_zip(io.BytesIO(data), limits.CHECKPOINT_INDEX) as archive:
            members = archive.infolist()
            if any("/code/" in f"/{member.filename}" for member in members):
                return None
            pickled = [m for m in members if m.filename.rpartition("/")[2] == "data.pkl"]
            if not pickled:
                return None
            content = read_member(archive, pickled[0], limits.PICKLE_BYTES.most)
        return frozenset(_scan(io.BytesIO(content)))
    except (*DAMAGED, IndexError, OSError):
        return None


def _scan(stream: io.BytesIO) -> Iterator[str]:
    """The names in one pickle; the stream is left after its end."""
    texts: list[str] = []
    memo: dict[int, str] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > limits.PICKLE_OPCODES.most:
            return
        match opcode.name:
            case "GLOBAL" | "INST":
                yield str(argument).replace(" ", ".", 1)
            case "STACK_GLOBAL":
                yield ".".join(texts[-2:])
            case "MEMOIZE":
                memo[len(memo)] = texts[-1] if texts else ""
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[int(argument or 0)] = texts[-1] if texts else ""
            case "GET" | "BINGET" | "LONG_BINGET":
                texts.append(memo.get(int(argument or 0), ""))
            case _ if "UNICODE" in opcode.name or "STRING" in opcode.name:
                texts.append(str(argument))
