"""Checkpoints copied to the names that their hash gives them; nothing that is there is replaced."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from hubkit._util.atomic import creating, place_new, temporary_beside
from hubkit.errors import CheckpointError, UsageError
from hubkit.hubdir import sha256_of, sniff_content
from hubkit.publish.weights.naming import SHORTEST, hash_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 4 << 20  # bytes


class Added(Struct, frozen=True):
    """A checkpoint under the name that its hash gives it.

    Attributes:
        path: The file.
        sha256: Its digest, 64 hexadecimal digits.
        size: Its length in bytes.
        is_new: Whether it was made; else it was there already.
    """

    path: Path
    sha256: str
    size: int
    is_new: bool


def copy_checkpoint(source: Path, folder: Path, *, name: str = "", digits: int = SHORTEST) -> Added:
    """Copy a checkpoint into a folder, under its hash name.

    It is read once and in pieces, so that its size does not matter. The copy appears whole or not
    at all.

    Args:
        source: The checkpoint.
        folder: Where to; made if it does not exist.
        name: What it is called in place of the source's name.
        digits: How many digits of the hash its name is to hold.

    Raises:
        CheckpointError: It is empty, a folder, or something that is known to be no checkpoint.
        UsageError: Its name holds another file's hash, another file has the name that it is to
            have, or the folder cannot be written.
    """
    size = require_file(source)
    name = name or source.name
    try:
        if source.parent.resolve() == folder.resolve():
            digest = sha256_of(source)
            if hash_name(name, digest, digits) == source.name:
                return Added(source, digest, size, is_new=False)
        return _copy(source, folder, name, digits)
    except OSError as error:
        raise UsageError(
            f"{source} cannot be copied into {folder}: {error.strerror or error}",
            hint="Say where it is to go: --to DIR",
        ) from error


def require_file(source: Path) -> int:
    """Insist on a file that may be a checkpoint; its size.

    Raises:
        CheckpointError: It is something else.
        UsageError: There is none, or it cannot be read.
    """
    try:
        found = source.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise CheckpointError(f"{source} is {kind}.", hint="Give the checkpoint's file.")
        if not found.st_size:
            raise CheckpointError(f"{source} is empty.", hint="Was saving it cut short?")
        impostor = sniff_content(source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror or error}") from None
    if impostor:
        raise CheckpointError(f"{source} is {impostor}, not a checkpoint.")
    return found.st_size


def _copy(source: Path, folder: Path, name: str, digits: int) -> Added:
    folder.mkdir(parents=True, exist_ok=True)
    with creating(temporary_beside(folder / name)) as (target, staged):
        with _unchanged(source) as content:
            digest, size = _copy_hashing(content, target)
        target.close()
        staged.chmod(stat.S_IMODE(source.stat().st_mode) & 0o777 | stat.S_IWUSR)
        path = folder / hash_name(name, digest, digits)
        return Added(path, digest, size, is_new=_put(staged, path, digest))


@contextmanager
def _unchanged(source: Path) -> Iterator[BinaryIO]:
    """The file to read; whoever writes to it meanwhile is found out."""
    with source.open("rb", buffering=0) as content:
        before = os.fstat(content.fileno())
        yield content
        after = os.fstat(content.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CheckpointError(
            f"{source} was written to while it was copied.", hint="Wait until it is whole."
        )


def _copy_hashing(content: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(_CHUNK))
    while count := content.readinto(buffer):  # type: ignore[attr-defined]
        digest.update(buffer[:count])
        target.write(buffer[:count])
        size += count
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest(), size


def _put(staged: Path, path: Path, digest: str) -> bool:
    """Put a file in place; False when just that file is there already."""
    try:
        place_new(staged, path)
    except FileExistsError:
        if path.is_file() and not path.is_symlink() and sha256_of(path) == digest:
            return False
        raise UsageError(
            f"{path} is there, and is not that file: its name says so and its contents do not",
            hint="It is damaged or was renamed. Look at it, and move it away.",
        ) from None
    return True
