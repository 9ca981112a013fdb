"""Checkpoints for publishing: named by their hash, copied, and recorded in the configuration."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from hubkit._util.atomic import creating, place_new, temporary_beside
from hubkit._util.paths import read_inside
from hubkit._util.toml import set_values
from hubkit.config import HUBKIT_TOML, read_config
from hubkit.errors import CheckpointError, ConfigError, UsageError
from hubkit.hubdir import sha256_of, sniff_content
from hubkit.lint import FileChange, write_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHORTEST_HASH = 8  # digits, as torch.hub's documentation asks for
LONGEST_HASH = 64
_SUFFIX = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]*(?:\.(?:tar|gz|zip))?)$")
_HASH = re.compile(r"-([0-9a-fA-F]{8,64})$")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
# Hosts of release files replace other characters, which changes the name.
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_CHUNK = 4 << 20  # bytes
_PYPROJECT = "pyproject.toml"


class CheckpointCopy(Struct, frozen=True):
    """A checkpoint under its hash name.

    Attributes:
        path: The file.
        sha256: Its digest, 64 hexadecimal digits.
        size: Its length in bytes.
        is_new: Whether it was created; False if it existed.
    """

    path: Path
    sha256: str
    size: int
    is_new: bool


def hash_name(name: str, sha256: str, digits: int = SHORTEST_HASH, other: str = "") -> str:
    """The name ``stem-<start of the sha256>.suffix``, in which torch.hub finds the hash.

    torch.hub looks for the first ``-`` that is followed by hexadecimal digits and a dot, so dots in
    the stem are replaced: ``vit-b.16.pth`` becomes ``vit-b_16-4f1c09ab.pth``.

    Args:
        name: The current name of the file.
        sha256: Its digest, 64 hexadecimal digits.
        digits: The number of digits in the new name.
        other: A stem to use in place of the current one.

    Raises:
        UsageError: The name contains the hash of another file, or ``digits`` is out of range.
    """
    if not SHORTEST_HASH <= digits <= LONGEST_HASH:
        raise UsageError(
            f"A name contains {SHORTEST_HASH} to {LONGEST_HASH} digits of a hash, not {digits}"
        )
    stem, suffix = _split(name)
    found = _HASH.search(stem)
    if found is not None and sha256.startswith(found[1].lower()):
        stem, digits = stem[: found.start()], max(digits, len(found[1]))
    elif found is not None and not _DATE.fullmatch(found[1]):
        raise UsageError(
            f"The name {name} contains the hash {found[1]}, but its sha256 starts with {sha256[:8]}",
            hint="The file is damaged, or it is a new file with an old name. If it is new, rename it "
            f"to {stem[: found.start()]}{suffix}.",
        )
    return f"{_clean(other or stem)}-{sha256[:digits]}{suffix}"


def copy_checkpoint(
    source: Path, folder: Path, *, digits: int = SHORTEST_HASH, stem: str = ""
) -> CheckpointCopy:
    """Copy a checkpoint into a folder, under its hash name; no other file is replaced.

    The file is read once, in chunks. The copy appears as a whole or not at all.

    Args:
        source: The checkpoint.
        folder: The folder, which is created if it does not exist.
        digits: The number of digits of the hash in the name.
        stem: The name before the hash; "" for that of the file.

    Raises:
        CheckpointError: The file is empty, a folder, or known not to be a checkpoint.
        UsageError: Its name contains the hash of another file, another file has its new name, or
            the folder cannot be written.
    """
    require_file(source)
    try:
        if source.parent.resolve() == folder.resolve():
            digest = sha256_of(source)
            if hash_name(source.name, digest, digits, stem) == source.name:
                return CheckpointCopy(source, digest, source.stat().st_size, is_new=False)
        return _copy(source, folder, partial(hash_name, source.name, digits=digits, other=stem))
    except OSError as error:
        raise UsageError(
            f"{source} cannot be copied into {folder}: {error.strerror or error}",
            hint="Choose another folder: --to DIR",
        ) from error


def require_file(source: Path) -> None:
    """Check that a file can be a checkpoint.

    Raises:
        CheckpointError: It cannot.
        UsageError: The file does not exist, or cannot be read.
    """
    try:
        found = source.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise CheckpointError(f"{source} is {kind}.", hint="Pass the checkpoint's file.")
        if not found.st_size:
            raise CheckpointError(f"{source} is empty.", hint="Save it again.")
        impostor = sniff_content(source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror or error}") from None
    if impostor:
        hint = "To get the file, run `git lfs pull`." if "LFS" in impostor else ""
        raise CheckpointError(f"{source} is {impostor}, not a checkpoint.", hint=hint)


def record_weights(root: Path, entrypoint: str, sha256: str, size: int) -> tuple[str, str]:
    """Record the digest and the size of an entrypoint's weights in the configuration.

    Args:
        root: The repo's folder.
        entrypoint: The entrypoint.
        sha256: The digest of its weights.
        size: Their length in bytes.

    Returns:
        What was done ("recorded", "already recorded", "replaced"), and the file, relative to the
        repo.

    Raises:
        ConfigError: The configuration cannot be read.
        UsageError: It is written in a way that cannot be edited.
        FixError: The file cannot be written.
    """
    config = read_config(root)
    name = config.path or (_PYPROJECT if (root / _PYPROJECT).is_file() else HUBKIT_TOML)
    table = () if name == HUBKIT_TOML else ("tool", "hubkit")
    keys = (*table, "entrypoints", entrypoint, "weights")
    before = _read_bytes(root, name)
    try:
        text = (before or b"").decode()
        edited = set_values(text, keys, {"sha256": sha256, "bytes": size})
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"{root / name} cannot be read: {error}", hint="Fix the TOML.") from None
    if edited is None:
        raise UsageError(
            f"{root / name} is written in a way that hubkit cannot edit.",
            hint=f'Add this: [{".".join(keys)}] sha256 = "{sha256}", bytes = {size}',
        )
    if edited == text:
        return "already recorded", name
    write_changes(root, {name: FileChange(before, edited.encode())})
    old = config.entrypoint(entrypoint).weights
    return ("replaced" if old and old.sha256 else "recorded"), name


def _split(name: str) -> tuple[str, str]:
    found = _SUFFIX.search(name)
    if found is None or not found.start():
        return name.lstrip("."), ".pth"
    return name[: found.start()], found[0]


def _clean(stem: str) -> str:
    return _UNSAFE.sub("_", stem).strip("_-") or "weights"


def _copy(source: Path, folder: Path, name: Callable[[str], str]) -> CheckpointCopy:
    folder.mkdir(parents=True, exist_ok=True)
    with creating(temporary_beside(folder / source.name)) as (target, staged):
        with _open_unchanged(source) as content:
            digest, size = _copy_hashing(content, target)
        target.close()
        staged.chmod(stat.S_IMODE(source.stat().st_mode) & 0o777 | stat.S_IWUSR)
        path = folder / name(digest)
        return CheckpointCopy(path, digest, size, is_new=_place(staged, path, digest))


@contextmanager
def _open_unchanged(source: Path) -> Iterator[BinaryIO]:
    """Open a file, and check at the end that it was not written to meanwhile."""
    with source.open("rb", buffering=0) as content:
        before = os.fstat(content.fileno())
        yield content
        after = os.fstat(content.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CheckpointError(
            f"{source} changed while it was copied.", hint="Wait until it is written completely."
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


def _place(staged: Path, path: Path, digest: str) -> bool:
    """Move a file to its place; False if the same file exists there."""
    try:
        place_new(staged, path)
    except FileExistsError:
        if path.is_file() and not path.is_symlink() and sha256_of(path) == digest:
            return False
        raise UsageError(
            f"{path} exists, but its contents do not match the hash in its name",
            hint="It is damaged or was renamed. Check it, and move it away.",
        ) from None
    return True


def _read_bytes(root: Path, name: str) -> bytes | None:
    """The contents of a file; None if it does not exist."""
    try:
        return read_inside(root, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{root / name} cannot be read: {error.strerror}",
            hint="The configuration must be in the repo itself.",
        ) from None
