"""One large file from loopback, open and throttled, with its sha256 checked by all."""

from __future__ import annotations

import hashlib
import multiprocessing
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, interleave
from tests.git_host import GitHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

BODY = bytes(range(256)) * (1 << 20)
SHA = hashlib.sha256(BODY).hexdigest()
RATE = 40e6  # bytes per second and connection, as many hosts allow
CASES = (("open", None, 7, 1.0), ("40 MB/s a connection", RATE, 3, 0.2))


def results(folder: Path) -> Iterator[Result]:
    """Compare with torch.hub and with a plain loop."""
    import torch.hub

    import hubkit

    target = str(folder / "out.bin")

    def plain(url: str) -> None:
        import requests

        digest = hashlib.sha256()
        with (
            requests.get(url, stream=True, timeout=30) as response,
            Path(target).open("wb") as file,
        ):
            for piece in response.iter_content(1 << 20):
                file.write(piece)
                digest.update(piece)
        assert digest.hexdigest() == SHA

    def ours(url: str) -> None:
        hubkit.download_url_to_file(url, target, SHA, progress=False)

    def torchs(url: str) -> None:
        torch.hub.download_url_to_file(url, target, SHA, progress=False)

    for case, rate, runs, goal in CASES:
        with serve_elsewhere(partial(_publish, rate)) as url:
            for peer, theirs in (("torch.hub", torchs), ("a loop over requests", plain)):
                times = interleave(partial(ours, url), partial(theirs, url), runs)
                yield Result(f"{len(BODY) >> 20} MiB, {case}", peer, *times, goal)


def _publish(rate: float | None, host: GitHost) -> str:
    host.rate = rate
    return host.add_file("/large.bin", BODY)


@contextmanager
def serve_elsewhere(publish: Callable[[GitHost], str]) -> Iterator[str]:
    """A host in a process of its own, so that it shares no interpreter lock with who is timed.

    Args:
        publish: Called there with the host; returns the URL to give.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, publish), daemon=True)
    process.start()
    yield ours.recv()
    ours.send(None)
    process.join()


def _serve(connection: Connection, publish: Callable[[GitHost], str]) -> None:
    with GitHost() as host:
        connection.send(publish(host))
        connection.recv()
