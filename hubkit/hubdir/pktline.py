"""git's framing: packets that start with their length in four hexadecimal digits.

https://git-scm.com/docs/protocol-common#_pkt_line_format
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FLUSH = b"0000"
DELIMITER = b"0001"
_HEAD = 4  # bytes of the length, which counts itself; lengths below it are marks without content


def read_packets(body: bytes) -> Iterator[bytes]:
    """The contents of all packets, without the marks between them.

    Raises:
        ValueError: The body is none.
    """
    at = 0
    if not body:
        raise ValueError("it is empty")
    while at < len(body):
        head = body[at : at + _HEAD]
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", head):
            raise ValueError(f"byte {at} starts no packet")
        length = int(head, 16)
        if length > _HEAD:
            if at + length > len(body):
                raise ValueError("the last packet is cut")
            yield body[at + _HEAD : at + length]
        at += max(length, _HEAD)


def packet(text: str) -> bytes:
    """One packet of text."""
    content = text.encode()
    return b"%04x%b" % (len(content) + _HEAD, content)
