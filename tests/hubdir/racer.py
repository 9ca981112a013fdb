"""A process that fetches, or lets children fetch and kills them; run by the tests of races.

``python -m tests.hubdir.racer MODE URL ARGUMENT``, with the hub dir in the environment. It starts
no thread before it forks, which the tests' own process, with a host in it, could not promise.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, find_cached, get_dir, parse_repo

if TYPE_CHECKING:
    from collections.abc import Callable

# Imported before the forks, so that children spend their time on what is raced for.
EARLY = ("filelock", "requests", *(f"hubkit.hubdir.{name}" for name in ("locks", "trees", "refs")))
ROUNDS = 8
ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)


def fetch(url: str, policy: FetchPolicy = ASK) -> None:
    cached = fetch_repo(parse_repo("acme/shapes"), policy)
    assert len([path for path in cached.path.rglob("*") if path.is_file()]) == 203, cached
    assert fetch_checkpoint(url, policy=policy).stat().st_size == 300_000


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - the parent sees the exit code
        traceback.print_exc()
    finally:
        os._exit(code)


def crowd(url: str, count: str, policy: FetchPolicy = ASK) -> None:
    """Many processes at once."""
    children = [fork(lambda: fetch(url, policy)) for _ in range(int(count))]
    codes = [os.waitpid(child, 0)[1] for child in children]
    assert not any(codes), codes


def crowd_afresh(url: str, count: str) -> None:
    """The same, of processes that all want all of it afresh."""
    fetch(url)
    crowd(url, count, AFRESH)


def lying_locks(url: str, count: str) -> None:
    """The same where everybody gets every lock."""
    fcntl.flock = lambda *_: None
    crowd(url, count)


def no_locks(url: str, count: str) -> None:
    """The same where nobody gets any."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl.flock = refuse
    crowd(url, count)


def kills(url: str, seed: str) -> None:
    """Children that are killed at some instant, eight in a row, and one that finds all well."""
    chance = random.Random(int(seed))
    fetch(url, AFRESH)
    began = time.monotonic()
    fetch(url, AFRESH)
    usual = time.monotonic() - began
    for turn in range(ROUNDS):
        if turn % 2:
            shutil.rmtree(get_dir())
        warm = find_cached(parse_repo("acme/shapes"))
        for _ in range(8):
            child = fork(lambda: fetch(url, AFRESH))
            time.sleep(chance.uniform(0, usual))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            if warm:
                fetch(url)
        child = fork(lambda: fetch(url, AFRESH))
        assert os.waitpid(child, 0)[1] == 0, turn
        left = [str(path) for path in leftovers(Path(get_dir()))]
        assert not left, (turn, left)


def leftovers(hub: Path) -> list[Path]:
    staged = [path for path in (hub / ".hubkit" / "staging").rglob("*") if path.is_file()]
    return [
        *staged,
        *hub.rglob("*.partial*"),
        *hub.rglob(".hubkit-*"),
        *(hub / ".hubkit" / "locks").iterdir(),
    ]


if __name__ == "__main__":
    for name in EARLY:
        importlib.import_module(name)
    modes = {
        "crowd": crowd,
        "afresh": crowd_afresh,
        "lying": lying_locks,
        "none": no_locks,
        "kills": kills,
    }
    modes[sys.argv[1]](*sys.argv[2:])
