"""Paths that stay inside a folder: resolve, open, walk, remove and move without being led out.

Whoever wrote a repo, or shares a hub dir, may have put a link, a pipe or somebody else's file where
a plain file is expected. Nothing here follows a link out of the folder that the caller names, and
nothing waits for a pipe. Whatever is refused raises `UnsafePathError`, an ``OSError`` whose
``strerror`` says why.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    AnyPath = str | os.PathLike[str]

# What a system lacks is 0: Windows has neither links that everybody can make nor pipes in folders.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_SAFE = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_DIR_FD = {os.open, os.unlink, os.rename, os.stat} <= os.supports_dir_fd and bool(_NOFOLLOW)
_GIT = ".git"
_SMALL, _LARGE = 1 << 14, 1 << 20  # bytes to read at first, and then at a time


def is_folder_spec(text: str) -> bool:
    """Whether a text names a folder by its first characters, such as ``./x`` or ``~/x``."""
    is_drive = (
        text[1:2] == ":" and text[2:3] in ("\\", "/") and text[:1].isascii() and text[:1].isalpha()
    )
    return text.startswith((".", "/", "~", "\\\\")) or is_drive


class UnsafePathError(OSError):
    """A path leaves its folder, or is not the plain file that it should be."""


def refuse(path: AnyPath, reason: str) -> UnsafePathError:
    """The error for a path that must not be used.

    Args:
        path: The path.
        reason: Clause such as "it is a symbolic link".
    """
    return UnsafePathError(errno.EPERM, reason, os.fspath(path))


def is_inside(root: AnyPath, path: AnyPath) -> bool:
    """Whether a path is below a folder after links are resolved; neither has to exist.

    Args:
        root: The folder.
        path: The path, absolute or relative to the working directory.
    """
    return _is_below(os.path.realpath(path), os.path.realpath(root))


def resolve_inside(root: AnyPath, path: AnyPath) -> Path:
    """Resolve a path in a repo. The target must be in the repo and not in its ``.git``.

    Raises:
        UnsafePathError: It leads out of the folder, or through a link into ``.git``.
    """
    top = os.path.realpath(root)
    plain = os.path.join(top, path)  # noqa: PTH118 - as quick as possible, this is the hot path
    real = os.path.realpath(plain)
    if not _is_below(real, top):
        raise refuse(plain, "it points outside the repo")
    parts = Path(os.path.relpath(real, top).lower()).parts
    if real != plain and _GIT in parts:
        raise refuse(plain, f"it points into {_GIT}")
    return Path(real)


def read_inside(root: AnyPath, path: AnyPath, limit: int = -1) -> bytes:
    """The contents of a plain file in a repo.

    Args:
        root: The repo's folder.
        path: The file, relative to it; links that stay in the folder are followed.
        limit: Maximum number of bytes; -1 for all.

    Raises:
        OSError: There is no such file, it leads out of the folder, or it cannot be read.
    """
    return read_file(resolve_inside(root, path), limit)


def read_file(path: AnyPath, limit: int = -1, *, follow: bool = False, own: bool = False) -> bytes:
    """The contents of a plain file.

    Args:
        path: The file.
        limit: Maximum number of bytes; -1 for all.
        follow: Whether it may be a link.
        own: Whether it must belong to the current user.

    Raises:
        OSError: There is no such file, or it cannot be read.
    """
    descriptor = open_regular(path, follow=follow, owner=own_uid() if own else None)
    try:
        # Every load reads small files; a file object takes longer than the reading.
        wanted = _SMALL if limit < 0 else min(limit, _SMALL)
        chunks = [os.read(descriptor, wanted)]
        while chunks[-1] and (limit < 0 or sum(map(len, chunks)) < limit):
            rest = _LARGE if limit < 0 else min(limit - sum(map(len, chunks)), _LARGE)
            chunks.append(os.read(descriptor, rest))
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def open_regular(
    path: AnyPath, flags: int = os.O_RDONLY, *, follow: bool = False, owner: int | None = None
) -> int:
    """Open a plain file; returns the descriptor.

    Args:
        path: The file.
        flags: As for ``os.open``; not ``O_TRUNC``, which acts before anything is checked.
        follow: Whether it may be a link.
        owner: The required owner, who has it under this one name only; None for any.

    Raises:
        UnsafePathError: It is a link, a pipe, a device, a folder or, where that matters, somebody
            else's.
        OSError: It cannot be opened.
    """
    if not follow and not _NOFOLLOW and os.path.islink(path):  # noqa: PTH114
        raise refuse(path, "it is a symbolic link")
    try:
        descriptor = os.open(path, flags | _SAFE | (0 if follow else _NOFOLLOW), 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and os.path.islink(path):  # noqa: PTH114
            raise refuse(path, "it is a symbolic link") from None
        if error.errno == errno.ENXIO:  # a pipe that nobody reads, or a socket
            raise refuse(path, "it is not a regular file") from None
        raise
    try:
        _require_regular(path, os.fstat(descriptor), owner)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def own_uid() -> int | None:
    """The effective user; None on systems without file owners."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def is_own_file(path: AnyPath) -> bool:
    """Whether a path is a regular file of this user, with no other name, and not a link."""
    try:
        _require_regular(path, os.lstat(path), own_uid())
    except OSError:
        return False
    return True


def file_size(path: Path) -> int:
    """The size of a file or link in bytes; 0 if it cannot be read."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def is_own_folder(path: AnyPath) -> bool:
    """Whether a path is a folder of this user, and not a link to one."""
    try:
        state = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and own_uid() in (None, state.st_uid)


def is_folder(path: AnyPath) -> bool:
    """Whether a path is a folder itself, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def list_folder(folder: AnyPath) -> list[Path]:
    """The paths in a folder, sorted; empty if it is a link or cannot be listed."""
    if not is_folder(folder):
        return []
    try:
        return sorted(Path(folder).iterdir())
    except OSError:
        return []


def walk_files(top: AnyPath, *, without: str = "") -> Iterator[str]:
    """Paths of all files and links below a folder, relative to it and with ``/``.

    Args:
        top: The folder. No link below it is followed.
        without: The name of folders to skip.
    """
    start = os.fspath(top)
    # os.walk of Python 3.11 calls itself, and ends in a RecursionError in deep folders.
    pending = [""]
    while pending:
        inner = pending.pop()
        prefix = f"{inner}/" if inner else ""
        for entry in _scan_folder(os.path.join(start, inner)):  # noqa: PTH118 - a text
            if not entry.is_dir(follow_symlinks=False):
                yield prefix + entry.name
            elif entry.name != without:
                pending.append(prefix + entry.name)


def _scan_folder(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder; none if it cannot be listed."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def remove_inside(root: AnyPath, path: AnyPath) -> None:
    """Remove a file, a link, or a folder with its contents, if it exists.

    Of a link only the link goes.

    Args:
        root: The folder that it must be in.
        path: The path to remove.

    Raises:
        UnsafePathError: It lies outside, or below a link.
        OSError: It cannot be removed.
    """
    import shutil  # costs milliseconds, and most commands remove nothing

    try:
        with _opened_parent(root, path) as (parent, name):
            state = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(state.st_mode):
                os.unlink(name, dir_fd=parent)
            elif parent is not None and sys.version_info >= (3, 11):
                shutil.rmtree(name, dir_fd=parent)
            else:
                shutil.rmtree(path)
    except FileNotFoundError:
        return


def move_inside(root: AnyPath, path: AnyPath, target: AnyPath) -> None:
    """Rename a file, link or folder to a new name.

    Args:
        root: The folder that it must be in.
        path: The path to move; of a link, only the link.
        target: The new path, on the same file system, which must not exist.

    Raises:
        UnsafePathError: It lies outside, or below a link.
        OSError: It cannot be moved.
    """
    with _opened_parent(root, path) as (parent, name):
        os.rename(name, target, src_dir_fd=parent)


def require_no_link_above(root: AnyPath, path: AnyPath) -> None:
    """Require that no folder between a root and a path is a link.

    Args:
        root: The folder that the path must be in.
        path: The path.

    Raises:
        UnsafePathError: It lies outside, or below a link.
    """
    place = os.fspath(root)
    for part in _parts_below(root, path)[:-1]:
        place = os.path.join(place, part)  # noqa: PTH118
        if os.path.islink(place):  # noqa: PTH114
            raise refuse(path, "its path contains a symbolic link")


@contextmanager
def _opened_parent(root: AnyPath, path: AnyPath) -> Iterator[tuple[int | None, str]]:
    """The folder of a path, held open so that it cannot be replaced, and the name in it."""
    parts = _parts_below(root, path)
    if not _HAS_DIR_FD:
        place = os.path.join(root, *parts)  # noqa: PTH118
        require_no_link_above(root, place)
        yield None, place
        return
    held = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            inner = _open_folder(part, held, path)
            os.close(held)
            held = inner
        yield held, parts[-1]
    finally:
        os.close(held)


def _open_folder(name: str, parent: int, path: AnyPath) -> int:
    try:
        return os.open(name, _FOLDER | _NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise refuse(path, "its path contains a symbolic link") from None
        raise


def _parts_below(root: AnyPath, path: AnyPath) -> list[str]:
    """The names that lead from a folder to a path, at least one."""
    top, place = os.path.abspath(root), os.path.abspath(path)  # noqa: PTH100
    if not _is_below(place, top):  # the same folder may have been spelled in another way
        top = os.path.realpath(top)
        place = os.path.join(os.path.realpath(os.path.dirname(place)), os.path.basename(place))  # noqa: PTH118, PTH119, PTH120
    if not _is_below(place, top) or place == top:
        raise refuse(path, f"it is outside {os.fspath(root)}")
    return list(Path(os.path.relpath(place, top)).parts)


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root if root.endswith(os.sep) else f"{root}{os.sep}")


def _require_regular(path: AnyPath, state: os.stat_result, owner: int | None) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(state.st_mode):
        raise refuse(path, "it is not a regular file")
    if owner is None:
        return
    if state.st_uid != owner:
        raise refuse(path, "it belongs to another user")
    if state.st_nlink > 1:
        raise refuse(path, "it has more than one hard link")
