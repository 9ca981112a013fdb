"""Git's wire protocol over HTTP: packets, commands of version 2, and the history in packs.

Formats: https://git-scm.com/docs/protocol-common#_pkt_line_format,
https://git-scm.com/docs/protocol-v2 and https://git-scm.com/docs/pack-format.

The history shows whether a commit belongs to a repo. Hosts keep a repo and its forks in one store
and serve any commit of it by hash, so the archive of a commit proves nothing. hubkit requests the
commits from the repo's branches and tags ("want") down to the commit in question ("have"), without
files. If one of them has the commit as a parent, it belongs to the repo. This needs neither the git
program nor the REST API, and transfers only the commits since.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit.errors import RefNotFoundError
from hubkit.facts.hubdir import is_abbreviated_sha
from hubkit.hubdir.addresses import base_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.refs import RefList

_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")
FLUSH = b"0000"
DELIMITER = b"0001"
_HEAD = 4  # bytes of the length, which includes itself; smaller lengths are special packets


def read_packets(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The contents of all packets, without flush packets and delimiters.

    Args:
        pieces: The body, cut anywhere; at most one packet of it is buffered.

    Raises:
        ValueError: It is not a sequence of packets, or has too many flush packets.
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
        raise ValueError("the last packet is truncated")


def _read_length(head: bytes, at: int) -> int:
    if not _LENGTH.fullmatch(head):
        raise ValueError(f"byte {at} does not start a packet")
    return int(head, 16)


def packet(text: str) -> bytes:
    """Encode text as one packet."""
    content = text.encode()
    return b"%04x%b" % (len(content) + _HEAD, content)


_V2 = {"Git-Protocol": "version=2"}
_OK = 200


def fetch_capabilities(client: Client, repo: RepoRef) -> dict[str, str]:
    """Fetch the commands and features that a host supports, each with its value.

    Raises:
        ValueError: The host does not support version 2.
        UnreachableError, IncompleteDownloadError, RateLimitedError: The network failed.
    """
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    with client.get(url, _V2) as response:
        start, most = b"", limits.ABILITIES_BYTES.most
        for piece in response.read_pieces(limits.REFS_BYTES):
            start += piece
            if len(start) > most:
                break  # a host without version 2 sends all its refs
    if b"version 2\n" not in start[:most]:
        raise ValueError("the host does not support version 2 of git's protocol")
    lines = [line.decode("utf-8", "replace").strip() for line in read_packets([start])]
    return dict(line.partition("=")[::2] for line in lines)


def run_command(
    client: Client, repo: RepoRef, command: str, arguments: Iterable[str]
) -> Iterator[bytes]:
    """Run a command on a host; yield the packets of its response.

    Raises:
        ValueError: The host does not support the command, or the response is malformed.
        UnreachableError, IncompleteDownloadError, RateLimitedError: The network failed.
    """
    packets = b"".join(packet(f"{argument}\n") for argument in arguments)
    body = packet(f"command={command}\n") + DELIMITER + packets + FLUSH
    headers = {**_V2, "Content-Type": "application/x-git-upload-pack-request"}
    with client.get(f"{base_url(repo)}.git/git-upload-pack", headers, body) as response:
        if response.status != _OK:
            raise ValueError(f"the host returned status {response.status}")
        for line in read_packets(response.read_pieces(limits.PACK_BYTES)):
            if line.startswith(b"ERR "):
                text = line[4:200].decode("utf-8", "replace").strip()
                raise ValueError(f"the host says {text!r}")
            yield line


_COMMIT, _OFFSET_DELTA, _REF_DELTA = 1, 6, 7


def read_parents(pack: bytes | bytearray) -> Iterator[str]:
    """The parents of all commits in a pack, in the order of the pack.

    Raises:
        ValueError: The pack is damaged, or unpacks to more than a limit allows.
    """
    for commit in _read_commits(pack):
        head = commit.partition(b"\n\n")[0]
        for line in head.split(b"\n"):
            if line.startswith(b"parent "):
                yield line[7:].decode("ascii", "replace")


class _Budget:
    """What is left of a pack's limits."""

    def __init__(self, size: int) -> None:
        self._inflated = limits.PACK_INFLATED.most
        ratio = limits.PACK_RATIO_FROM.most + limits.PACK_RATIO.most * size
        self._kept = self._may_keep = min(limits.PACK_KEPT.most, ratio)
        self._steps = limits.PACK_STEPS.most

    def inflate(self, count: int) -> None:
        """Account for decompressed bytes."""
        self._inflated -= count
        if self._inflated < 0:
            raise ValueError(f"the pack unpacks to more than {limits.PACK_INFLATED.most} bytes")

    def keep(self, commit: bytes) -> None:
        """Account for a commit that is kept in memory, including Python's overhead."""
        self._kept -= len(commit) + 300
        if self._kept < 0:
            raise ValueError(f"its commits take more than {self._may_keep} bytes")

    def step(self) -> None:
        """Account for an instruction of a delta."""
        self._steps -= 1
        if self._steps < 0:
            raise ValueError(f"its deltas have more than {limits.PACK_STEPS.most} instructions")


def _read_commits(pack: bytes | bytearray) -> Iterator[bytes]:
    if pack[:4] != b"PACK" or len(pack) < 12 + 20:
        raise ValueError("it is not a pack")
    count = int.from_bytes(pack[8:12], "big")
    if count > limits.PACK_OBJECTS.most:
        raise ValueError(f"the pack contains more than {limits.PACK_OBJECTS.most} objects")
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
    """The kind of an object, and where its length ends."""
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
    """The object's content, or its start if it is long, and where the next object starts."""
    stream = zlib.decompressobj()
    window = 1 << 12
    kept = b""
    most = limits.COMMIT_BYTES.most
    while not stream.eof:
        if at >= len(pack):
            raise ValueError("the pack is truncated")
        try:
            # Bounded, since a few bytes may unpack to a thousand times as many.
            data = stream.decompress(pack[at : at + window], most)
        except zlib.error as error:
            raise ValueError(f"the pack is damaged: {error}") from None
        left = len(stream.unused_data) + len(stream.unconsumed_tail)
        at += min(window, len(pack) - at) - left
        budget.inflate(len(data))
        kept = kept + data if len(kept) < most else kept
        window = min(window * 4, 1 << 20)
    return kept, at


def _apply(base: bytes, delta: bytes, budget: _Budget) -> bytes:
    """Apply a delta to its base."""
    at = 0
    for _ in range(2):  # lengths of base and result, which are not needed
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
                raise ValueError("the pack contains a delta that is too long for a commit")
        else:
            result += delta[at : at + code]
            at += code
    return bytes(result)


def _read_sparse(delta: bytes, at: int, present: int) -> tuple[int, int]:
    """Read a number whose zero bytes are left out."""
    value = 0
    for shift in range(4):
        if present >> shift & 1:
            value |= _byte(delta, at) << 8 * shift
            at += 1
    return value, at


def _byte(data: bytes | bytearray, at: int) -> int:
    if at >= len(data):
        raise ValueError("the pack is truncated")
    return data[at]


_DATA, _ERROR = 1, 3


def require_commit_in_history(client: Client, repo: RepoRef, refs: RefList, sha: str) -> None:
    """Require that a commit is in the history of a branch or tag of the repo.

    Args:
        client: The HTTP client.
        repo: The repo.
        refs: Its branches and tags.
        sha: The full hash of the commit, which is not the tip of any of them.

    Raises:
        RefNotFoundError: It is not, or the host does not reveal it.
    """
    head = refs.commits.get(refs.head, "")
    others = sorted(set(refs.commits.values()) - {head})
    try:
        arguments = _base_arguments(client, repo)
        # The default branch first: it has most of the commits that users pin.
        belongs = any(
            sha
            in read_parents(_fetch_history(client, repo, [*arguments, *_want_arguments(tips, sha)]))
            for tips in ([head], others)
            if any(tips)
        )
    except ValueError as error:
        raise RefNotFoundError(
            f"Cannot check whether the commit {sha} belongs to {repo.full_name}: {error}.",
            hint="Name a branch or tag, or pass skip_validation=True if you trust the commit.",
        ) from None
    if not belongs:
        raise RefNotFoundError(
            f"No branch or tag of {repo.full_name} contains the commit {sha}.",
            hint="If it's a commit from a forked repo, load it from the fork. skip_validation=True skips this check.",
        )


def find_in_history(client: Client, repo: RepoRef, refs: RefList) -> str | None:
    """The commit whose hash a repo's ref abbreviates, if it is not the tip of a branch or tag.

    None if the ref is not such an abbreviation, or if several commits or none start with it.
    """
    start = (repo.ref or "").lower()
    if not is_abbreviated_sha(start):
        return None
    wants = [f"want {tip}" for tip in sorted(set(refs.commits.values()))]
    try:
        arguments = [*_base_arguments(client, repo), *wants, "done"]
        parents = read_parents(_fetch_history(client, repo, arguments))
        found = {sha for sha in parents if sha.startswith(start)}
    except ValueError:
        return None
    return found.pop() if len(found) == 1 else None


def _want_arguments(tips: list[str], sha: str) -> list[str]:
    return [*(f"want {tip}" for tip in tips), f"have {sha}", "done"]


def _base_arguments(client: Client, repo: RepoRef) -> list[str]:
    """The first arguments of a fetch, given the features of the host."""
    fetch_options = fetch_capabilities(client, repo).get("fetch", "")
    options = ["ofs-delta", "no-progress"]
    return [*options, "filter tree:0"] if "filter" in fetch_options.split() else options


def _fetch_history(client: Client, repo: RepoRef, arguments: list[str]) -> bytearray:
    """Fetch the pack of a history."""
    pack = bytearray()
    for line in run_command(client, repo, "fetch", arguments):
        if line[0] == _DATA:
            pack += line[1:]
        elif line[0] == _ERROR:
            raise ValueError(f"the host says {line[1:200].decode('utf-8', 'replace').strip()!r}")
    return pack
