"""Read the commits of a git pack, and nothing else of it.

https://git-scm.com/docs/pack-format
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMIT, _OFFSET_DELTA, _REF_DELTA = 1, 6, 7


def read_parents(pack: bytes | bytearray) -> Iterator[str]:
    """The parents of all commits in a pack, as they come.

    Raises:
        ValueError: It is no sound pack, or unpacks to more than a limit allows.
    """
    for commit in _read_commits(pack):
        head = commit.partition(b"\n\n")[0]
        for line in head.split(b"\n"):
            if line.startswith(b"parent "):
                yield line[7:].decode("ascii", "replace")


class _Budget:
    """What is left of what a pack may cost."""

    def __init__(self, size: int) -> None:
        self._inflated = limits.PACK_INFLATED.most
        ratio = limits.PACK_RATIO_FROM.most + limits.PACK_RATIO.most * size
        self._kept = self._may_keep = min(limits.PACK_KEPT.most, ratio)
        self._steps = limits.PACK_STEPS.most

    def inflate(self, count: int) -> None:
        """Pay for bytes that were decompressed."""
        self._inflated -= count
        if self._inflated < 0:
            raise ValueError(f"the pack unpacks to more than {limits.PACK_INFLATED.most} bytes")

    def keep(self, commit: bytes) -> None:
        """Pay for a commit that is kept in memory, with what Python adds to it."""
        self._kept -= len(commit) + 300
        if self._kept < 0:
            raise ValueError(f"its commits take more than {self._may_keep} bytes")

    def step(self) -> None:
        """Pay for an instruction of a delta."""
        self._steps -= 1
        if self._steps < 0:
            raise ValueError(f"its deltas have more than {limits.PACK_STEPS.most} instructions")


def _read_commits(pack: bytes | bytearray) -> Iterator[bytes]:
    if pack[:4] != b"PACK" or len(pack) < 12 + 20:
        raise ValueError("it is no pack")
    count = int.from_bytes(pack[8:12], "big")
    if count > limits.PACK_OBJECTS.most:
        raise ValueError(f"the pack holds more than {limits.PACK_OBJECTS.most} objects")
    budget = _Budget(len(pack))
    by_offset: dict[int, bytes] = {}
    by_name: dict[bytes, bytes] = {}
    at = 12
    for _ in range(count):
        start = at
        kind, at = _read_head(pack, at)
        base: bytes | None = None
        if kind == _OFFSET_DELTA:
            distance, at = _read_distance(pack, at)
            base = by_offset.get(start - distance)
        elif kind == _REF_DELTA:
            base = by_name.get(bytes(pack[at : at + 20]))
            at += 20
        data, at = _inflate(pack, at, budget)
        if kind != _COMMIT and base is None:
            continue  # a tree, a blob or a tag, or a delta of one
        commit = data if base is None else _apply(base, data, budget)
        budget.keep(commit)
        by_offset[start] = commit
        name = hashlib.sha1(b"commit %d\0%b" % (len(commit), commit), usedforsecurity=False)
        by_name[name.digest()] = commit
        yield commit


def _read_head(pack: bytes | bytearray, at: int) -> tuple[int, int]:
    """Kind of the object, and where what follows its length starts."""
    first = _byte(pack, at)
    at += 1
    more = first
    while more & 0x80:
        more = _byte(pack, at)
        at += 1
    return first >> 4 & 7, at


def _read_distance(pack: bytes | bytearray, at: int) -> tuple[int, int]:
    byte = _byte(pack, at)
    at += 1
    value = byte & 0x7F
    while byte & 0x80:
        byte = _byte(pack, at)
        at += 1
        value = (value + 1) << 7 | byte & 0x7F
    return value, at


def _inflate(pack: bytes | bytearray, at: int, budget: _Budget) -> tuple[bytes, int]:
    """The object's content, the start of it when it is long, and where the next object starts."""
    stream = zlib.decompressobj()
    window = 1 << 12
    kept = b""
    most = limits.COMMIT_BYTES.most
    while not stream.eof:
        if at >= len(pack):
            raise ValueError("the pack is cut")
        try:
            # Bounded, since a few bytes may stand for a thousand times as many.
            data = stream.decompress(pack[at : at + window], most)
        except zlib.error as error:
            raise ValueError(f"the pack is damaged: {error}") from error
        left = len(stream.unused_data) + len(stream.unconsumed_tail)
        at += min(window, len(pack) - at) - left
        budget.inflate(len(data))
        kept = kept + data if len(kept) < most else kept
        window = min(window * 4, 1 << 20)
    return kept, at


def _apply(base: bytes, delta: bytes, budget: _Budget) -> bytes:
    """What a delta makes of its base."""
    at = 0
    for _ in range(2):  # lengths of base and result, which we need not know
        while _byte(delta, at) & 0x80:
            at += 1
        at += 1
    result = bytearray()
    while at < len(delta):
        budget.step()
        code = delta[at]
        at += 1
        if code & 0x80:
            offset, at = _read_sparse(delta, at, code & 0x0F)
            size, at = _read_sparse(delta, at, code >> 4 & 0x07)
            result += base[offset : offset + (size or 0x10000)]
            if len(result) > limits.COMMIT_BYTES.most:
                raise ValueError("the pack holds a delta that is too long for a commit")
        else:
            result += delta[at : at + code]
            at += code
    return bytes(result)


def _read_sparse(delta: bytes, at: int, present: int) -> tuple[int, int]:
    """A number of which only the bytes that are not zero are there."""
    value = 0
    for shift in range(4):
        if present >> shift & 1:
            value |= _byte(delta, at) << 8 * shift
            at += 1
    return value, at


def _byte(data: bytes | bytearray, at: int) -> int:
    if at >= len(data):
        raise ValueError("the pack is cut")
    return data[at]
