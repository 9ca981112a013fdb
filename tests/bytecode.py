"""Bytecode that says that it is of a source, and does something else."""

from __future__ import annotations

import importlib.util
import marshal
import struct
from pathlib import Path


def make_bytecode(source: str, canary: Path) -> bytes:
    """A compiled file that Python takes for any source of that path, whatever it holds."""
    unchecked = 0b01  # https://docs.python.org/3/reference/import.html#pyc-invalidation
    head = importlib.util.MAGIC_NUMBER + struct.pack("<I", unchecked) + bytes(8)
    return head + _compile(source, canary)


def plant_bytecode(source: Path, folder: Path, canary: Path) -> None:
    """Put a compiled file of just that time and size where Python or hubkit may look for it."""
    found = source.stat()
    times = struct.pack("<III", 0, int(found.st_mtime), found.st_size)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / Path(importlib.util.cache_from_source(str(source))).name
    place.write_bytes(importlib.util.MAGIC_NUMBER + times + _compile(str(source), canary))


def _compile(source: str, canary: Path) -> bytes:
    text = (
        f"__import__('pathlib').Path({str(canary)!r}).touch()\ndef version(): return 'bytecode'\n"
    )
    return marshal.dumps(compile(text, source, "exec"))
