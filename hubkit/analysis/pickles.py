"""What a checkpoint would import when it is loaded; nothing of it is imported or called."""

from __future__ import annotations

import io
import re
import tarfile

from msgspec import Struct

from hubkit import limits
from hubkit._util.zips import DAMAGED, find_pickles, is_script, open_zip, read_as_torch
from hubkit.analysis.inert import find_names

# Before torch 1.6 a checkpoint was five pickles in a row: a magic number, the protocol, facts on
# the machine, the object, the keys of its storages (torch/serialization.py, _legacy_save).
_LEGACY_PICKLES = 5
_PICKLE_START = b"\x80"
_TAR_HEADER = 512
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Globals(Struct, frozen=True):
    """What unpickling a checkpoint imports.

    Attributes:
        names: Dotted names.
        is_complete: Whether these are all; a pickle that cannot be read to its end may still run.
    """

    names: frozenset[str]
    is_complete: bool = True


def find_globals(data: bytes) -> Globals | None:
    """Names that unpickling a checkpoint would import.

    Args:
        data: The file: torch's zip format, the ones before, or a plain pickle.

    Returns:
        The names; None for what is not a checkpoint, such as a TorchScript archive.
    """
    if data.startswith(b"PK\x03\x04"):
        return _from_zip(data)
    if _is_tar(data):  # torch before 0.2, and still read first of all
        return Globals(frozenset(), is_complete=False)
    stream = io.BytesIO(data)
    first = find_names(stream)
    if not data.startswith(_PICKLE_START):
        # Pickles of protocol 0 and 1 start with anything, and other files are not to be blamed.
        names = frozenset(filter(_NAME.fullmatch, first.names))
        return Globals(names) if names and first.calls else None
    found, names = first, first.names
    for _ in range(_LEGACY_PICKLES - 1):
        if not found.is_complete:  # what follows the pickles of an old checkpoint is none
            break
        found = find_names(stream)
        names |= found.names
    return Globals(names, first.is_complete)


def _is_tar(data: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(data[:_TAR_HEADER], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _from_zip(data: bytes) -> Globals | None:
    names: frozenset[str] = frozenset()
    is_complete = True
    try:
        with open_zip(io.BytesIO(data), limits.CHECKPOINT_INDEX) as archive:
            pickles = find_pickles(archive)
            if is_script(archive) or not pickles:
                return None
            for member in pickles:
                content = read_as_torch(archive, member, limits.PICKLE_BYTES.most)
                found = find_names(io.BytesIO(content))
                names |= found.names
                is_complete &= found.is_complete
    except (*DAMAGED, OSError):
        is_complete = False
    return Globals(names, is_complete)
