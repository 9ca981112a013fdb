"""Unpack the zip of a commit safely.

Python's zipfile writes wherever names lead and turns links into text files. Here the whole index is
checked before anything is written, and everything is written to one new folder. What is refused is
never part of an archive that git makes, or would be read as another name by the file system.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit._util.atomic import write_all
from hubkit._util.paths import read_file
from hubkit._util.zips import DAMAGED, open_zip, read_member, read_pieces
from hubkit.errors import HashMismatchError, UnsafeArchiveError
from hubkit.facts.hubdir import is_full_sha
from hubkit.hubdir.layout import writing
from hubkit.hubdir.manifest import EXECUTABLE, FILE, LINK, Entry, entry_of_bytes, make_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.hubdir.manifest import Manifest

_LARGE = 16 << 20
_O_BINARY = getattr(os, "O_BINARY", 0)


def unpack(archive: Path, folder: Path, sha: str, *, must_name_commit: bool = True) -> Manifest:
    """Unpack the zip of a commit, without its top folder.

    Args:
        archive: The zip.
        folder: The new folder; it must not exist. After an error it may be incomplete.
        sha: The commit, which git writes into the zip's comment.
        must_name_commit: Whether the comment is required. A host may make the archive of a branch or
            tag with the commit's name; that of a tag of a tree has no comment.

    Returns:
        The manifest of what was written.

    Raises:
        UnsafeArchiveError: It is not a zip, is damaged, or contains unsafe members.
        HashMismatchError: It is of another commit.
        CacheWriteError: The folder cannot be written.
    """
    with _open(archive) as opened:
        _require_commit(opened, sha, must_name_commit=must_name_commit)
        members, folders = check_index(opened, archive.stat().st_size)
        return make_manifest(_write_members(opened, members, folders, folder))


def is_same(archive: Path, folder: Path) -> bool:
    """Whether a folder still contains an archive's files; it may contain more, such as bytecode.

    Raises:
        UnsafeArchiveError: The archive must not be unpacked.
    """
    with _open(archive) as opened:
        members, _ = check_index(opened, archive.stat().st_size)
        return all(_is_as_in(member, folder / member.path) for member in members)


def read_commit(archive: Path) -> str | None:
    """The commit that git has written into a zip's comment; None if it did not.

    Raises:
        UnsafeArchiveError: It is not a zip.
    """
    with _open(archive) as opened:
        sha = opened.comment.decode("ascii", "replace").strip()
    return sha if is_full_sha(sha) else None


@contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with open_zip(archive, limits.ARCHIVE_INDEX, limits.ARCHIVE_MEMBERS) as opened:
            yield opened
    except DAMAGED as error:
        if isinstance(error, UnsafeArchiveError | HashMismatchError):
            raise
        raise UnsafeArchiveError(f"The archive is damaged: {error}.", hint="Try again.") from None


def _require_commit(opened: zipfile.ZipFile, sha: str, *, must_name_commit: bool) -> None:
    comment = opened.comment.decode("ascii", "replace").strip()
    if not comment and must_name_commit:
        raise UnsafeArchiveError(
            f"The archive does not name its commit, which should be {sha}.",
            hint='Fetch the repo with git: put "git+" before its https address.',
        )
    if comment and comment != sha:
        raise HashMismatchError(
            f"The archive contains the commit {comment}, not {sha}.",
            expected=sha,
            actual=comment,
            hint="A proxy or mirror may have returned a different archive.",
        )


def _write_members(
    opened: zipfile.ZipFile, members: list[Member], folders: list[str], folder: Path
) -> list[Entry]:
    root = str(folder)
    entries: list[Entry] = []
    with writing(folder):
        folder.mkdir()
        for name in folders:
            os.mkdir(f"{root}/{name}")  # noqa: PTH102 - thousands of them, each once
        entries += [_write_file(opened, one, root) for one in members if one.link is None]
        # Links come last, so that nothing is written through one.
        for member in members:
            if member.link is not None:
                _write_link(folder / member.path, member.link)
                entries.append(entry_of_bytes(member.path, LINK, os.fsencode(member.link)))
    return entries


def _write_file(opened: zipfile.ZipFile, member: Member, root: str) -> Entry:
    info, path = member.info, f"{root}/{member.path}"
    is_executable = bool(info.external_attr >> 16 & 0o111)
    mode = 0o777 if is_executable else 0o666  # less the umask
    kind = EXECUTABLE if is_executable else FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, mode)
    if info.file_size <= _LARGE:
        try:
            content = read_member(opened, info, _LARGE)
            write_all(descriptor, content)
        finally:
            os.close(descriptor)
        return entry_of_bytes(member.path, kind, content)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
        digest = hashlib.sha256()
        for piece in read_pieces(opened, info):
            digest.update(piece)
            file.write(piece)
    return Entry(member.path, kind, info.file_size, digest.hexdigest())


def _write_link(path: Path, target: str) -> None:
    try:
        path.symlink_to(target)
    except (OSError, NotImplementedError):
        # On Windows without permission to make links, a copy can be read as well.
        source = path.parent / target
        if source.is_dir():
            shutil.copytree(source, path)
        elif source.is_file():
            shutil.copy2(source, path)


def _is_as_in(member: Member, path: Path) -> bool:
    try:
        if member.link is not None:
            return not path.is_symlink() or os.readlink(path) == member.link  # noqa: PTH115
        if path.lstat().st_size != member.info.file_size:
            return False
        return zlib.crc32(read_file(path)) == member.info.CRC
    except OSError:
        return False


_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_OUTSIDE = re.compile(r"(?:^|/)(?:\.{0,2}(?:/|$)|[A-Za-z]:)")


class Member(Struct, frozen=True):
    """One file or link of an archive."""

    path: str
    info: zipfile.ZipInfo
    link: str | None


def check_index(opened: zipfile.ZipFile, size: int) -> tuple[list[Member], list[str]]:
    """Check the index of an archive.

    Returns:
        The files and links, and the folders, parents first; without bytecode.

    Raises:
        UnsafeArchiveError: It contains unsafe members.
    """
    infos = opened.infolist()
    _require_bounds(infos, size)
    top = infos[0].filename.partition("/")[0] if infos else ""
    folders: dict[str, None] = {}
    members: list[Member] = []
    seen: dict[str, str] = {}
    for info in infos:
        path = _require_path(info, top)
        if not path:
            continue
        _require_new(seen, path)
        if is_bytecode(path):
            continue
        if info.orig_filename.endswith("/"):
            folders[path] = None
        else:
            members.append(Member(path, info, _read_link(opened, info)))
            if parent := path.rpartition("/")[0]:
                folders[parent] = None
    if not members:
        raise UnsafeArchiveError("The archive contains no files.")
    _require_folders(folders, members)
    links = {_fold(one.path): one.link for one in members if one.link is not None}
    steps = 0
    for one in members:
        if one.link is not None:
            steps += _require_inside(one.path, links, limits.LINK_STEPS.most - steps)
    return members, sorted(folders)


def _require_bounds(infos: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(info.file_size for info in infos)
    most = limits.ARCHIVE_MEMBERS.most
    if len(infos) > most:
        raise _unsafe("", f"it has {len(infos)} members, more than the limit of {most}")
    is_bomb = total > limits.ARCHIVE_RATIO_FROM.most and total > limits.ARCHIVE_RATIO.most * size
    if is_bomb or total > limits.ARCHIVE_BYTES.most:
        raise _unsafe("", f"it would unpack to {total >> 20} MiB from {size >> 10} KiB")
    if any(not 0 <= info.header_offset < size for info in infos):
        raise zipfile.BadZipFile("its index points outside the file")


def _require_path(info: zipfile.ZipInfo, top: str) -> str:
    """The path in the top folder; "" for the top folder itself."""
    # zipfile cuts names at a NUL and, on Windows, converts backslashes.
    name = info.orig_filename
    _require_short(name)
    if _FORBIDDEN.search(name):
        raise _unsafe(name, "its name contains a backslash or a control character")
    is_folder = name.endswith("/")
    plain = name[:-1] if is_folder else name
    if _OUTSIDE.search(plain):
        raise _unsafe(name, "its path points outside the archive")
    if bad := find_bad_name(plain):
        raise _unsafe(name, bad)
    first, _, path = plain.partition("/")
    if first != top or not (path or is_folder):
        raise _unsafe(name, f"it is not in the archive's top folder, {top}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    allowed = (0, stat.S_IFDIR) if is_folder else (0, stat.S_IFREG, stat.S_IFLNK)
    if kind not in allowed:
        raise _unsafe(name, "it is not a file, folder or link")
    if info.flag_bits & 1:
        raise _unsafe(name, "it is encrypted")
    return path


def _require_short(name: str) -> None:
    if len(name) > limits.PATH_BYTES.most or len(name.encode()) > limits.PATH_BYTES.most:
        raise _unsafe(name, f"its name is longer than {limits.PATH_BYTES.most} bytes")
    if name.count("/") > limits.PATH_DEPTH.most:
        raise _unsafe(name, f"it is in more than {limits.PATH_DEPTH.most} folders")


def _require_new(seen: dict[str, str], path: str) -> None:
    """Refuse names that a file system that ignores case or Unicode forms would confuse."""
    key = _fold(path)
    if key in seen:
        raise _unsafe(path, f"its name conflicts with {seen[key]}")
    seen[key] = path


def _fold(path: str) -> str:
    """Fold a name as file systems may do to compare it."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def _require_folders(folders: dict[str, None], members: list[Member]) -> None:
    """Add the parents of all folders, and refuse members below a file or link."""
    spelled = sum(map(len, folders))
    for folder in list(folders):
        while (folder := folder.rpartition("/")[0]) and folder not in folders:
            folders[folder] = None
            spelled += len(folder)
            if spelled > limits.ARCHIVE_PATHS.most:
                raise _unsafe("", "the names of its folders take too much memory")
    spellings: dict[str, str] = {}
    for folder in folders:
        key = _fold(folder)
        if spellings.setdefault(key, folder) != folder:
            raise _unsafe(folder, f"its name conflicts with {spellings[key]}")
    for member in members:
        if _fold(member.path) in spellings:
            raise _unsafe(member.path, "it is both a file and a folder")


def _read_link(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    if not stat.S_ISLNK(info.external_attr >> 16):
        return None
    if info.file_size > limits.LINK_BYTES.most:
        raise _unsafe(info.filename, f"it is a link longer than {limits.LINK_BYTES.most} bytes")
    content = read_member(opened, info, limits.LINK_BYTES.most)
    return content.decode("utf-8", "surrogateescape")


def _require_inside(path: str, links: dict[str, str], most: int) -> int:
    """Refuse a link that leads out of the archive, directly or through others, whatever the case.

    Returns:
        How many parts of paths were followed; ``most`` at most.
    """
    todo = list(reversed(path.split("/")))
    at: list[str] = []
    hops = steps = 0
    while todo:
        part = todo.pop()
        steps += 1
        if steps > most:
            raise _unsafe("", "its links take too long to follow")
        if part == "..":
            if not at:
                raise _unsafe(path, "it is a link that points outside the archive")
            at.pop()
            continue
        if part in ("", "."):
            continue
        at.append(part)
        if len(at) > limits.PATH_DEPTH.most:
            raise _unsafe(path, f"it is a link into more than {limits.PATH_DEPTH.most} folders")
        target = links.get(_fold("/".join(at)))
        if target is not None:
            hops += 1
            if not target or target.startswith("/") or re.search(r"[\x00\\]|^[A-Za-z]:", target):
                raise _unsafe(path, "it is a link that points outside the archive")
            if hops > limits.LINK_HOPS.most:
                raise _unsafe(path, "it is part of a loop of links")
            at.pop()
            todo.extend(reversed(target.split("/")))
    return steps


def _unsafe(name: str, why: str) -> UnsafeArchiveError:
    shown = name if len(name) <= 200 else f"{name[:200]}..."
    what = f"The archive's member {shown!r}" if name else "The archive"
    return UnsafeArchiveError(
        f"{what} cannot be unpacked safely: {why}.",
        hint="Archives that git creates have no such members. Ask the owner of the repo.",
    )


# Code points that macOS ignores when it compares names: ``.g<U+200C>it`` is ``.git`` there.
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DEVICES = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]")
_BYTECODE = (".pyc", ".pyo")


def find_bad_name(path: str, *, windows: bool = os.name == "nt") -> str:
    """Why a file must not have a name, or "".

    Args:
        path: POSIX path in the repo.
        windows: Whether to check names that only Windows reads differently.
    """
    if not windows and path.isascii() and "git" not in path.lower():
        return ""  # nearly all names, of which there may be thousands
    for part in path.split("/"):
        if _normalize(part) in (".git", "git~1"):
            return "its name is reserved for git"
        if windows and part.endswith((" ", ".")):
            return "its name ends in a space or a dot, which Windows removes"
        if windows and _DEVICES.fullmatch(_normalize(part).partition(".")[0].rstrip(" ")):
            return "its name is a device name on Windows"
    return ""


def is_bytecode(path: str) -> bool:
    """Whether a file is bytecode, which would run in place of the source that people read."""
    if path.isascii() and not any(ending in path.lower() for ending in _BYTECODE):
        return False  # nearly all names, of which there may be thousands
    return _normalize(path.rpartition("/")[2]).endswith(_BYTECODE)


def _normalize(part: str) -> str:
    """The name as some file systems read it: without case, stream, invisible or final characters."""
    return _INVISIBLE.sub("", part).casefold().partition(":")[0].rstrip(" .")
