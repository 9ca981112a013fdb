"""Read zip archives from outside with bounded memory.

``zipfile`` reads the whole index at once, and decompresses a member completely before it compares
its length with that in the index.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.limits import Limit

_PIECE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46  # how an entry of the index starts, and its least length
_MEMBER = b"PK\x03\x04"  # how a member's own header starts
_UTF8 = 0x800  # the flag of a name in UTF-8
_PLAIN_FLAGS = _UTF8 | 0x0E  # this, how well it is compressed, and sizes that follow the content
_HEADROOM = 1 << 10  # bytes that compression may add, or that an extra field takes
_LOCAL_HEADER = struct.Struct("<26xHH")  # the lengths of the name and of the extra field
# Exceptions that reading a damaged archive raises.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@contextmanager
def open_zip(source: Path | IO[bytes], index: Limit, members: Limit) -> Iterator[zipfile.ZipFile]:
    """Open an archive with an index of limited size.

    Args:
        source: The file, or a seekable stream.
        index: The largest size of the index in bytes.
        members: The largest number of members: a small index takes a lot of memory.

    Raises:
        zipfile.BadZipFile: It is not a zip archive, or its index is too large.
        OSError: It cannot be read.
    """
    if isinstance(source, os.PathLike):
        with source.open("rb") as stream, open_zip(stream, index, members) as opened:
            yield opened
        return
    bounded = cast("IO[bytes]", _Bounded(source, index, members))
    with zipfile.ZipFile(bounded) as opened:
        yield opened


def read_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """The content of a member.

    Raises:
        zipfile.BadZipFile: It is larger than ``most`` bytes, has another length than in the index,
            or uses a compression method that neither git nor torch use.
    """
    if info.file_size > most:
        raise zipfile.BadZipFile(f"{info.filename[:100]!r} is longer than {most} bytes")
    content = _read_at_once(opened, info) if info.file_size <= _PIECE else None
    return b"".join(read_pieces(opened, info)) if content is None else content


def _read_at_once(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    """The content of a small member in order; None for any other, to which zipfile finds the error.

    An archive has thousands of members, and zipfile's own reader takes most of the time for each.
    """
    if info.compress_size > info.file_size + _HEADROOM or info.flag_bits & ~_PLAIN_FLAGS:
        return None
    is_utf8 = info.flag_bits & _UTF8 or info.orig_filename.isascii()
    name = info.orig_filename.encode("utf-8" if is_utf8 else "cp437")
    stream = cast("IO[bytes]", opened.fp)
    stream.seek(info.header_offset)
    data = stream.read(_LOCAL_HEADER.size + len(name) + _HEADROOM + info.compress_size)
    header, rest = data[: _LOCAL_HEADER.size], data[_LOCAL_HEADER.size :]
    if not data.startswith(_MEMBER) or len(header) < _LOCAL_HEADER.size:
        return None
    name_size, extra_size = _LOCAL_HEADER.unpack(header)
    at = name_size + extra_size
    packed = rest[at : at + info.compress_size]
    if rest[:name_size] != name or len(packed) < info.compress_size:
        return None
    if info.compress_type == zipfile.ZIP_DEFLATED:
        try:
            packed = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
        except zlib.error:
            return None
    is_right = len(packed) == info.file_size and zlib.crc32(packed) == info.CRC
    return packed if is_right and info.compress_type in _METHODS else None


def read_pieces(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member in pieces; raises the errors of ``read_member``."""
    if info.compress_type not in _METHODS:
        raise zipfile.BadZipFile(
            f"{info.filename[:100]!r} uses compression method {info.compress_type}"
        )
    left = info.file_size
    with opened.open(info) as source:
        while left:
            # With a size, read() decompresses no more than that.
            piece = source.read(min(left, _PIECE))
            if not piece:
                raise zipfile.BadZipFile(f"{info.filename[:100]!r} is truncated")
            left -= len(piece)
            yield piece


def is_script(opened: zipfile.ZipFile) -> bool:
    """Whether ``torch.load`` takes an archive for TorchScript, which imports nothing."""
    return f"{_top_folder(opened)}/constants.pkl" in opened.namelist()


def find_pickles(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members of a checkpoint that some version of torch takes for its pickle.

    There is one. An archive with several shows one to readers and another to torch, which ignores
    case and finds equal names by halving the index.
    """
    return [one for one in opened.infolist() if one.filename.lower().endswith("data.pkl")]


def read_as_torch(opened: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """The content of a member by the index alone: torch checks neither checksum nor local name.

    Raises:
        zipfile.BadZipFile: It is longer than ``most`` bytes, cut, or compressed by a method that
            torch does not know.
        zlib.error: It is damaged.
    """
    if max(info.file_size, info.compress_size) > most or info.compress_type not in _METHODS:
        raise zipfile.BadZipFile(
            f"{info.filename[:100]!r} is too long, or uses an unknown compression method"
        )
    stream = cast("IO[bytes]", opened.fp)
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise zipfile.BadZipFile(f"{info.filename[:100]!r} is truncated")
    stream.seek(sum(_LOCAL_HEADER.unpack(header)), os.SEEK_CUR)
    data = stream.read(info.compress_size)
    if info.compress_type == zipfile.ZIP_STORED:
        return data[: info.file_size]
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, info.file_size + 1)


def _top_folder(opened: zipfile.ZipFile) -> str:
    names = opened.namelist()
    return names[0].partition("/")[0] if names else ""


class _Bounded:
    """A stream that limits the size of a single read."""

    def __init__(self, stream: IO[bytes], index: Limit, members: Limit) -> None:
        self._stream = stream
        self._most = index.most
        self._members = members.most
        self._small = min(_PIECE, index.most, members.most * _ENTRY_SIZE)
        self.seek = stream.seek
        self.tell = stream.tell
        self.close = lambda: None  # the caller closes the stream
        self._size = stream.seek(0, os.SEEK_END)

    def read(self, count: int = -1) -> bytes:
        if 0 <= count < self._small:
            return self._stream.read(count)
        # read() allocates the requested size, even if less is left.
        left = max(0, self._size - self.tell())
        count = left if count < 0 else min(count, left)
        if count > self._most:
            raise zipfile.BadZipFile(f"its index is longer than {self._most} bytes")
        data = self._stream.read(count)
        if len(data) >= self._members * _ENTRY_SIZE and data.count(_ENTRY) > self._members:
            raise zipfile.BadZipFile(f"it has more than {self._members} members")
        return data

    def seekable(self) -> bool:
        return True
