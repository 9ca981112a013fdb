"""git's protocol version 2 over HTTP: what a host can do, and one question to it.

https://git-scm.com/docs/protocol-v2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit import limits
from hubkit.hubdir.hosts import base_url
from hubkit.hubdir.pktline import DELIMITER, FLUSH, packet, read_packets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client

_V2 = {"Git-Protocol": "version=2"}
_OK = 200


def fetch_abilities(client: Client, repo: RepoRef) -> dict[str, str]:
    """The commands and more that a host takes, and what it says of each.

    Raises:
        ValueError: It does not speak version 2.
        UnreachableError, IncompleteDownloadError, RateLimitedError: The network failed.
    """
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    with client.get(url, _V2) as answer:
        start, most = b"", limits.ABILITIES_BYTES.most
        for piece in answer.read_pieces(limits.REFS_BYTES):
            start += piece
            if len(start) > most:
                break  # a host that does not understand us answers with all its refs
    if b"version 2\n" not in start[:most]:
        raise ValueError("the host does not speak version 2 of git's protocol")
    lines = [line.decode("utf-8", "replace").strip() for line in read_packets([start])]
    return dict(line.partition("=")[::2] for line in lines)


def ask(client: Client, repo: RepoRef, command: str, arguments: Iterable[str]) -> Iterator[bytes]:
    """The packets that a host answers to a command.

    Raises:
        ValueError: It does not take the command, or its answer is none.
        UnreachableError, IncompleteDownloadError, RateLimitedError: The network failed.
    """
    packets = b"".join(packet(f"{argument}\n") for argument in arguments)
    body = packet(f"command={command}\n") + DELIMITER + packets + FLUSH
    headers = {**_V2, "Content-Type": "application/x-git-upload-pack-request"}
    with client.get(f"{base_url(repo)}.git/git-upload-pack", headers, body) as answer:
        if answer.status != _OK:
            raise ValueError(f"the host answers {answer.status}")
        for line in read_packets(answer.read_pieces(limits.PACK_BYTES)):
            if line.startswith(b"ERR "):
                text = line[4:200].decode("utf-8", "replace").strip()
                raise ValueError(f"the host says {text!r}")
            yield line
