"""Unpack a commit's zip safely: first the index is judged, then files are written.

Python's zipfile writes where names tell it to and turns links into text files; here nothing is
written before every name was judged (`members`), and everything goes into one folder of the
caller's own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.paths import read_file
from hubkit._util.zips import DAMAGED, open_zip, read_member, read_pieces
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
from hubkit.hubdir.members import judge_index

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.hubdir.manifest import Manifest
    from hubkit.hubdir.members import Member

_LARGE = 16 << 20
_O_BINARY = getattr(os, "O_BINARY", 0)


def unpack(archive: Path, folder: Path, sha: str, *, must_name_commit: bool = True) -> Manifest:
    """Unpack the zip of a commit, without its top folder.

    Args:
        archive: The zip.
        folder: Where to; must not exist yet. Half of it may be there after an error.
        sha: The commit that it must be of, which git writes into the zip's comment.
        must_name_commit: Whether the comment must be there. A host may make the archive of a
            branch or tag that is called like the commit; that of a tag of a tree has no comment.

    Returns:
        What was written, with the digest of each file.

    Raises:
        UnsafeArchiveError: It is no zip, is damaged, or holds what may not be unpacked.
        HashMismatchError: It is of another commit.
        CacheWriteError: The folder cannot be written.
    """
    with _open(archive) as opened:
        _require_commit(opened, sha, must_name_commit=must_name_commit)
        members, folders = judge_index(opened, archive.stat().st_size)
        return make_manifest(_write(opened, members, folders, folder))


def is_same(archive: Path, folder: Path) -> bool:
    """Whether a folder still holds what an archive does; more files, such as bytecode, may be there.

    Raises:
        UnsafeArchiveError: The archive is not fit to be unpacked.
    """
    with _open(archive) as opened:
        members, _ = judge_index(opened, archive.stat().st_size)
        return all(_is_as_in(member, folder / member.path) for member in members)


@contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with open_zip(archive, limits.ARCHIVE_INDEX) as opened:
            yield opened
    except DAMAGED as error:
        if isinstance(error, UnsafeArchiveError | HashMismatchError):
            raise
        raise UnsafeArchiveError(f"The archive is damaged: {error}.", hint="Try again.") from error


def _require_commit(opened: zipfile.ZipFile, sha: str, *, must_name_commit: bool) -> None:
    comment = opened.comment.decode("ascii", "replace").strip()
    if not comment and must_name_commit:
        raise UnsafeArchiveError(
            f"The archive does not say that it is of the commit {sha}.",
            hint='Fetch the repo with git: put "git+" in front of its https address.',
        )
    if comment and comment != sha:
        raise HashMismatchError(
            f"The archive is of the commit {comment}, not of {sha}.",
            expected=sha,
            actual=comment,
            hint="A proxy or mirror may have mixed things up.",
        )


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
            content = read_member(opened, info, _LARGE)
            file.write(content)
            return entry_of_bytes(member.path, kind, content)
        digest = hashlib.sha256()
        for piece in read_pieces(opened, info):
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
        if path.lstat().st_size != member.info.file_size:
            return False
        return zlib.crc32(read_file(path)) == member.info.CRC
    except OSError:
        return False
