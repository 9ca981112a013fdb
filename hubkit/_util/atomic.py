"""Write files whole: under an unpredictable name in the same folder, then renamed.

Links are replaced, not written through: where that is wanted, the caller resolves the path first
(`hubkit._util.paths.resolve_inside`). Nothing else in hubkit replaces a file.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from hubkit._util.paths import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NEW = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
_LARGE = 1 << 20  # bytes that are copied at once
_LONGEST = 100  # letters of a file's name that the name of its temporary file takes over
# What says that a file system has no hard links, or none here.
_NO_LINKS = (
    errno.EINVAL,
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
    errno.EACCES,
)
_NO_RENAME = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV)


def write_file(
    path: Path, data: bytes | str, *, temporary: Path | None = None, durable: bool = False
) -> None:
    """Write a file whole. An existing file is replaced and its mode is kept.

    Args:
        path: The file. A link is replaced, and its target is not changed.
        data: Its contents; text is written as UTF-8, with its own line ends.
        temporary: The temporary path, on the same file system; by default, a random name in the
            same folder.
        durable: Whether to wait until it is on disk.

    Raises:
        OSError: It cannot be written; what was there stays.
    """
    with replacing(path, temporary=temporary, durable=durable) as file:
        file.write(_encode(data))


@contextmanager
def replacing(
    path: Path, *, temporary: Path | None = None, durable: bool = False
) -> Iterator[BinaryIO]:
    """Open a new file that replaces another if the block ends without an error.

    Args:
        path: The file, as for `write_file`.
        temporary: The temporary path.
        durable: Whether to wait until it is on disk.
    """
    mode = _mode_of(path)
    with creating(temporary or temporary_beside(path), durable=durable) as (file, made):
        yield file
        file.flush()
        if mode is not None:
            _set_mode(file, made, mode)
        if durable:
            os.fsync(file.fileno())
        file.close()
        made.replace(path)


@contextmanager
def creating(made: Path, *, durable: bool = False) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file with a temporary name; it is removed afterwards unless it was renamed.

    Args:
        made: Its path, which must not exist.
        durable: Whether to wait until it is on disk.

    Raises:
        FileExistsError: Something has that name.
    """
    file = create_exclusive(made)
    try:
        with file:
            yield file, made
            if durable and not file.closed:
                file.flush()
                os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)


def create_exclusive(path: Path) -> BinaryIO:
    """Open a new file for writing.

    Raises:
        FileExistsError: Something is there, if only a link.
    """
    return open(os.open(path, _NEW, 0o666), "wb")  # noqa: PTH123 - the caller closes it


def create_file(path: Path, data: bytes | str) -> None:
    """Write a new file whole.

    Raises:
        FileExistsError: Something is there.
        OSError: It cannot be written; nothing is left behind.
    """
    with creating(temporary_beside(path)) as (file, made):
        file.write(_encode(data))
        file.close()
        place_new(made, path)


def place_new(staged: Path, path: Path) -> None:
    """Rename a finished file without replacing an existing one.

    Args:
        staged: The file, on the same file system; it may stay there under that name too.
        path: Its name.

    Raises:
        FileExistsError: Something has it.
        OSError: It cannot be written there.
    """
    try:
        os.link(staged, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        create_exclusive(path).close()
        try:
            staged.replace(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def place(staged: Path, path: Path) -> None:
    """Rename a finished file, and replace an existing one.

    Args:
        staged: The file, on the same file system.
        path: Its path. A link is replaced, and its target is not changed.
    """
    staged.replace(path)


def place_folder(staged: Path, path: Path) -> None:
    """Rename a finished folder; an existing one must be empty.

    Args:
        staged: The folder, on the same file system.
        path: Its name.
    """
    staged.rename(path)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder to a new one: files with their permission to execute, and links as links.

    Args:
        source: The folder.
        target: Its copy, which must not exist.

    Raises:
        OSError: It cannot be read or written.
    """
    pending = [(os.fspath(source), os.fspath(target))]
    while pending:
        folder, copy = pending.pop()
        os.mkdir(copy)  # noqa: PTH102 - texts are faster, and there may be thousands
        with os.scandir(folder) as entries:
            for entry in entries:
                name = f"{copy}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), name)  # noqa: PTH115, PTH211
                elif entry.is_dir():
                    pending.append((entry.path, name))
                else:
                    _copy_file(entry.path, name)


def _copy_file(source: str, copy: str) -> None:
    reading = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(reading)
        writing = os.open(copy, _NEW, 0o777 if state.st_mode & 0o100 else 0o666)
        try:
            while piece := _copy_piece(reading, writing, state.st_size):
                if piece >= state.st_size:
                    return
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_piece(reading: int, writing: int, size: int) -> int:
    """Copy the next bytes of a file; returns how many, 0 at its end."""
    if size > _LARGE and hasattr(os, "copy_file_range"):
        # File systems that can share the blocks do.
        with suppress(OSError):
            return os.copy_file_range(reading, writing, size)
    data = os.read(reading, min(size, _LARGE))
    write_all(writing, data)
    return len(data)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some bytes to an open file.

    Raises:
        OSError: The disk is full, for example.
    """
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def write_output(path: Path, data: bytes | str) -> None:
    """Write an output file that the user named; whole, if it is a regular file.

    A device or a pipe (``/dev/stdout``) is written to as it is, and so is a file in a folder that
    may not be written.

    Args:
        path: The file. A link to a file is replaced, and its target is not changed.
        data: Its contents.
    """
    if _is_stream(path):
        with path.open("wb") as file:
            file.write(_encode(data))
        return
    try:
        write_file(path, data)
    except OSError as error:
        if error.errno not in _NO_RENAME or _mode_of(path) is None:
            raise
        # The file may be written and its folder may not, or it is mounted by itself.
        with open(open_regular(path, os.O_WRONLY), "wb") as file:  # noqa: PTH123
            file.truncate(0)
            file.write(_encode(data))


def temporary_beside(path: Path) -> Path:
    """An unused, unpredictable path in the folder of a file."""
    return path.with_name(f".{path.name[:_LONGEST]}.{os.urandom(8).hex()}.tmp")


def _is_stream(path: Path) -> bool:
    """Whether a path is a pipe or a device, or names an open file, such as /dev/stdout."""
    if path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",)):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _encode(data: bytes | str) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


def _mode_of(path: Path) -> int | None:
    """The mode of an existing file, or None."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return stat.S_IMODE(state.st_mode) & 0o777 if stat.S_ISREG(state.st_mode) else None


def _set_mode(file: BinaryIO, path: Path, mode: int) -> None:
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), mode)
    else:
        path.chmod(mode)
