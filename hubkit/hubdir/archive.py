"""Unpack a commit's zip safely: first the index is judged, then files are written.

Python's zipfile writes where names tell it to and turns links into text files; here nothing is
written before every name was judged, and everything goes into one folder of the caller's own.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hubkit.errors import HashMismatchError, UnsafeArchiveError
from hubkit.hubdir.disk import writing
from hubkit.hubdir.manifest import (
    EXECUTABLE,
    FILE,
    LINK,
    Entry,
    entry_of_bytes,
    make_manifest,
)
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.hubdir.manifest import Manifest

MOST_MEMBERS = 100_000
MOST_BYTES = 4 << 30
MOST_RATIO = 200  # unpacked bytes for each byte of the archive; source code has 3 to 10
RATIO_COUNTS_FROM = 64 << 20  # bytes; below, a high ratio does no harm
LONGEST_LINK = 4096
_LARGE = 16 << 20
_O_BINARY = getattr(os, "O_BINARY", 0)
_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Member:
    """One file or link of an archive.

    Attributes:
        path: Where it goes below the repo's root, POSIX.
        info: The index entry.
        link: What it points to, when it is a link.
    """

    path: str
    info: zipfile.ZipInfo
    link: str | None


def unpack(archive: Path, folder: Path, sha: str) -> Manifest:
    """Unpack the zip of a commit, without its top folder.

    Args:
        archive: The zip.
        folder: Where to; must not exist yet. Half of it may be there after an error.
        sha: The commit that it must be of, which git writes into the zip's comment.

    Returns:
        What was written, with the digest of each file.

    Raises:
        UnsafeArchiveError: It is no zip, is damaged, or holds what may not be unpacked.
        HashMismatchError: It is of another commit.
        CacheWriteError: The folder cannot be written.
    """
    with _open(archive) as opened:
        _require_commit(opened, sha)
        members, folders = _judge(opened, archive.stat().st_size)
        return make_manifest(_write(opened, members, folders, folder))


def is_same(archive: Path, folder: Path) -> bool:
    """Whether a folder still holds what an archive does; more files, such as bytecode, may be there.

    Raises:
        UnsafeArchiveError: The archive is not fit to be unpacked.
    """
    with _open(archive) as opened:
        members, _ = _judge(opened, archive.stat().st_size)
        return all(_is_as_in(member, folder / member.path) for member in members)


@contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except _CORRUPT as error:
        if isinstance(error, UnsafeArchiveError | HashMismatchError):
            raise
        raise UnsafeArchiveError(f"The archive is damaged: {error}.", hint="Try again.") from error


def _require_commit(opened: zipfile.ZipFile, sha: str) -> None:
    comment = opened.comment.decode("ascii", "replace").strip()
    if comment and comment != sha:
        raise HashMismatchError(
            f"The archive is of the commit {comment}, not of {sha}.",
            expected=sha,
            actual=comment,
            hint="A proxy or mirror may have mixed things up.",
        )


def _judge(opened: zipfile.ZipFile, size: int) -> tuple[list[Member], list[str]]:
    """Judge the index; gives the files and links, and the folders, parents first."""
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
        if info.is_dir():
            folders[path] = None
        else:
            members.append(Member(path, info, _read_link(opened, info)))
            parent = posixpath.dirname(path)
            if parent:
                folders[parent] = None
    if not members:
        raise UnsafeArchiveError("The archive holds no files.")
    _require_folders(folders, members)
    links = {member.path: member.link for member in members if member.link is not None}
    for path in links:
        _require_inside(path, links)
    return members, sorted(folders)


def _require_bounds(infos: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(info.file_size for info in infos)
    if len(infos) > MOST_MEMBERS:
        raise _unsafe("", f"{len(infos)} members are more than the {MOST_MEMBERS} allowed")
    if total > MOST_BYTES or (total > RATIO_COUNTS_FROM and total > MOST_RATIO * size):
        raise _unsafe("", f"it would unpack to {total >> 20} MiB from {size >> 10} KiB")
    if any(not 0 <= info.header_offset < size for info in infos):
        raise zipfile.BadZipFile("its index leads outside the file")


def _require_path(info: zipfile.ZipInfo, top: str) -> str:
    """The path below the top folder; "" for the top folder itself."""
    # zipfile cuts names at a NUL and, on Windows, turns backslashes round.
    name = info.orig_filename
    if re.search(r"[\x00-\x1f\x7f\\]", name):
        raise _unsafe(name, "its name holds a backslash or a control character")
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") or re.match(r"[A-Za-z]:", part) for part in parts):
        raise _unsafe(name, "its name leads elsewhere")
    if parts[0] != top or (len(parts) == 1 and not info.is_dir()):
        raise _unsafe(name, f"it is not in the archive's one folder, {top}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    allowed = (0, stat.S_IFDIR) if info.is_dir() else (0, stat.S_IFREG, stat.S_IFLNK)
    if kind not in allowed:
        raise _unsafe(name, "it is neither file, folder nor link")
    if info.flag_bits & 1:
        raise _unsafe(name, "it is encrypted")
    return "/".join(parts[1:])


def _require_new(seen: dict[str, str], path: str) -> None:
    """Refuse what would be one file on a file system that ignores case or Unicode forms."""
    key = unicodedata.normalize("NFC", path).casefold()
    if key in seen:
        raise _unsafe(path, f"its name clashes with {seen[key]}")
    seen[key] = path


def _require_folders(folders: dict[str, None], members: list[Member]) -> None:
    """Complete the folders by their parents, and refuse what lies below a file or link."""
    for folder in list(folders):
        while folder := posixpath.dirname(folder):
            folders[folder] = None
    spellings: dict[str, str] = {}
    for folder in folders:
        key = unicodedata.normalize("NFC", folder).casefold()
        if spellings.setdefault(key, folder) != folder:
            raise _unsafe(folder, f"its name clashes with {spellings[key]}")
    for member in members:
        if unicodedata.normalize("NFC", member.path).casefold() in spellings:
            raise _unsafe(member.path, "it is both a file and a folder")


def _read_link(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    if not stat.S_ISLNK(info.external_attr >> 16):
        return None
    if info.file_size > LONGEST_LINK:
        raise _unsafe(info.filename, "it is a link to nowhere sensible")
    return opened.read(info).decode("utf-8", "surrogateescape")


def _require_inside(path: str, links: dict[str, str]) -> None:
    """Refuse a link that leads out, by itself or through other links."""
    todo = list(reversed(path.split("/")))
    at: list[str] = []
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            if not at:
                raise _unsafe(path, "it is a link that leads out")
            at.pop()
            continue
        if part in ("", "."):
            continue
        at.append(part)
        target = links.get("/".join(at))
        if target is not None:
            hops += 1
            if not target or target.startswith("/") or re.search(r"[\x00\\]|^[A-Za-z]:", target):
                raise _unsafe(path, "it is a link that leads out")
            if hops > 40:
                raise _unsafe(path, "it is a link that leads in circles")
            at.pop()
            todo.extend(reversed(target.split("/")))


def _write(
    opened: zipfile.ZipFile, members: list[Member], folders: list[str], folder: Path
) -> list[Entry]:
    root = str(folder)
    entries: list[Entry] = []
    with writing(folder):
        folder.mkdir()
        for name in folders:
            os.mkdir(f"{root}/{name}")  # noqa: PTH102 - thousands of them, each once
        entries += [_write_file(opened, one, root) for one in members if one.link is None]
        # Links come last, so that nothing is ever written through one.
        for member in members:
            if member.link is not None:
                _write_link(folder / member.path, member.link)
                entries.append(entry_of_bytes(member.path, LINK, os.fsencode(member.link)))
    return entries


def _write_file(opened: zipfile.ZipFile, member: Member, root: str) -> Entry:
    info, path = member.info, f"{root}/{member.path}"
    is_executable = bool(info.external_attr >> 16 & 0o111)
    mode = 0o777 if is_executable else 0o666  # the umask takes its share
    kind = EXECUTABLE if is_executable else FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, mode)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - it is open already
        if info.file_size <= _LARGE:
            content = opened.read(info)
            file.write(content)
            return entry_of_bytes(member.path, kind, content)
        digest = hashlib.sha256()
        with opened.open(info) as source:
            while piece := source.read(1 << 20):
                digest.update(piece)
                file.write(piece)
    return Entry(member.path, kind, info.file_size, digest.hexdigest())


def _write_link(path: Path, target: str) -> None:
    try:
        path.symlink_to(target)
    except (OSError, NotImplementedError):
        # Windows without the right to make links: a copy does for reading.
        source = path.parent / target
        if source.is_dir():
            shutil.copytree(source, path)
        elif source.is_file():
            shutil.copy2(source, path)


def _is_as_in(member: Member, path: Path) -> bool:
    try:
        if member.link is not None:
            return not path.is_symlink() or os.readlink(path) == member.link  # noqa: PTH115
        if path.is_symlink() or path.stat().st_size != member.info.file_size:
            return False
        return zlib.crc32(path.read_bytes()) == member.info.CRC
    except OSError:
        return False


def _unsafe(name: str, why: str) -> UnsafeArchiveError:
    what = f"The archive's member {name!r}" if name else "The archive"
    return UnsafeArchiveError(
        f"{what} may not be unpacked: {why}.",
        hint="Archives that git makes hold no such thing: ask the host's owner, and use nothing of it.",
    )
