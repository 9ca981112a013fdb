"""The index of an archive, judged before anything is written.

Whatever is refused here is nothing that git puts into an archive.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile

from msgspec import Struct

from hubkit import limits
from hubkit._util.zips import read_member
from hubkit.errors import UnsafeArchiveError
from hubkit.hubdir.filenames import find_bad_name, is_bytecode

_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_ELSEWHERE = re.compile(r"(?:^|/)(?:\.{0,2}(?:/|$)|[A-Za-z]:)")


class Member(Struct, frozen=True):
    """One file or link of an archive.

    Attributes:
        path: Where it goes below the repo's root, POSIX.
        info: The index entry.
        link: What it points to, when it is a link.
    """

    path: str
    info: zipfile.ZipInfo
    link: str | None


def judge_index(opened: zipfile.ZipFile, size: int) -> tuple[list[Member], list[str]]:
    """Judge the index of an archive.

    Args:
        opened: The archive.
        size: Its length in bytes.

    Returns:
        The files and links, and the folders, parents first. Bytecode is not among them.

    Raises:
        UnsafeArchiveError: It holds what may not be unpacked.
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
        raise UnsafeArchiveError("The archive holds no files.")
    _require_folders(folders, members)
    links = {member.path: member.link for member in members if member.link is not None}
    steps = 0
    for path in links:
        steps += _require_inside(path, links, limits.LINK_STEPS.most - steps)
    return members, sorted(folders)


def _require_bounds(infos: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(info.file_size for info in infos)
    most = limits.ARCHIVE_MEMBERS.most
    if len(infos) > most:
        raise _unsafe("", f"{len(infos)} members are more than the {most} allowed")
    is_bomb = total > limits.ARCHIVE_RATIO_FROM.most and total > limits.ARCHIVE_RATIO.most * size
    if is_bomb or total > limits.ARCHIVE_BYTES.most:
        raise _unsafe("", f"it would unpack to {total >> 20} MiB from {size >> 10} KiB")
    if any(not 0 <= info.header_offset < size for info in infos):
        raise zipfile.BadZipFile("its index leads outside the file")


def _require_path(info: zipfile.ZipInfo, top: str) -> str:
    """The path below the top folder; "" for the top folder itself."""
    # zipfile cuts names at a NUL and, on Windows, turns backslashes round.
    name = info.orig_filename
    _require_short(name)
    if _ODD.search(name):
        raise _unsafe(name, "its name holds a backslash or a control character")
    is_folder = name.endswith("/")
    plain = name[:-1] if is_folder else name
    if _ELSEWHERE.search(plain):
        raise _unsafe(name, "its name leads elsewhere")
    if bad := find_bad_name(plain):
        raise _unsafe(name, bad)
    first, _, path = plain.partition("/")
    if first != top or not (path or is_folder):
        raise _unsafe(name, f"it is not in the archive's one folder, {top}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    allowed = (0, stat.S_IFDIR) if is_folder else (0, stat.S_IFREG, stat.S_IFLNK)
    if kind not in allowed:
        raise _unsafe(name, "it is neither file, folder nor link")
    if info.flag_bits & 1:
        raise _unsafe(name, "it is encrypted")
    return path


def _require_short(name: str) -> None:
    if len(name) > limits.PATH_BYTES.most or len(name.encode()) > limits.PATH_BYTES.most:
        raise _unsafe(name, f"its name is longer than {limits.PATH_BYTES.most} bytes")
    if name.count("/") > limits.PATH_DEPTH.most:
        raise _unsafe(name, f"it is in more than {limits.PATH_DEPTH.most} folders")


def _require_new(seen: dict[str, str], path: str) -> None:
    """Refuse what would be one file on a file system that ignores case or Unicode forms."""
    key = _fold(path)
    if key in seen:
        raise _unsafe(path, f"its name clashes with {seen[key]}")
    seen[key] = path


def _fold(path: str) -> str:
    """What a file system may take for the same name."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def _require_folders(folders: dict[str, None], members: list[Member]) -> None:
    """Complete the folders by their parents, and refuse what lies below a file or link."""
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
            raise _unsafe(folder, f"its name clashes with {spellings[key]}")
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
    """Refuse a link that leads out, by itself or through other links.

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
                raise _unsafe(path, "it is a link that leads out")
            at.pop()
            continue
        if part in ("", "."):
            continue
        at.append(part)
        if len(at) > limits.PATH_DEPTH.most:
            raise _unsafe(path, f"it is a link into more than {limits.PATH_DEPTH.most} folders")
        target = links.get("/".join(at))
        if target is not None:
            hops += 1
            if not target or target.startswith("/") or re.search(r"[\x00\\]|^[A-Za-z]:", target):
                raise _unsafe(path, "it is a link that leads out")
            if hops > limits.LINK_HOPS.most:
                raise _unsafe(path, "it is a link that leads in circles")
            at.pop()
            todo.extend(reversed(target.split("/")))
    return steps


def _unsafe(name: str, why: str) -> UnsafeArchiveError:
    shown = name if len(name) <= 200 else f"{name[:200]}..."
    what = f"The archive's member {shown!r}" if name else "The archive"
    return UnsafeArchiveError(
        f"{what} may not be unpacked: {why}.",
        hint="Archives that git makes hold no such thing: ask the host's owner, and use nothing of it.",
    )
