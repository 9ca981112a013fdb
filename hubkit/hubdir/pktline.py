"""git's framing: packets that start with their length in four hexadecimal digits.

https://git-scm.com/docs/protocol-common#_pkt_line_format
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")
FLUSH = b"0000"
DELIMITER = b"0001"
_HEAD = 4  # bytes of the length, which counts itself; lengths below it are marks without content


def read_packets(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The contents of all packets, without the marks between them.

    Args:
        pieces: The body, cut anywhere; no more of it is kept than one packet.

    Raises:
        ValueError: The body is none, or holds more marks than any host sends.
    """
    rest, at, start, marks = b"", 0, 0, 0
    for piece in pieces:
        start += at
        rest, at = rest[at:] + piece, 0
        while len(rest) - at >= _HEAD:
            length = _read_length(rest[at : at + _HEAD], start + at)
            if length <= _HEAD:
                marks += 1
                if marks > limits.REFS_MARKS.most:
                    raise ValueError(f"it has more than {limits.REFS_MARKS.most} flush packets")
            elif at + length > len(rest):
                break
            else:
                yield rest[at + _HEAD : at + length]
            at += max(length, _HEAD)
    if start + len(rest) == 0:
        raise ValueError("it is empty")
    if at < len(rest):
        _read_length(rest[at : at + _HEAD], start + at)
        raise ValueError("the last packet is cut")


def _read_length(head: bytes, at: int) -> int:
    if not _LENGTH.fullmatch(head):
        raise ValueError(f"byte {at} starts no packet")
    return int(head, 16)


def packet(text: str) -> bytes:
    """One packet of text."""
    content = text.encode()
    return b"%04x%b" % (len(content) + _HEAD, content)
