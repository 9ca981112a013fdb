"""Kill workers, the command and the scheduler, and show that nothing is lost and nothing is twice.

``python -m tests.audit.kills 20`` kills each of them twenty times at random moments. A number after it
is the seed.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.audit.cluster import PATIENCE, Cluster
from tests.audit.hub import GOOD, Hub
from tests.git_host import GitHost

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

_WORKERS = 2
_IN_FLIGHT = 2 * _WORKERS  # one that a worker judges, and one whose outcome is under way
_BETWEEN = (1, 12)  # repos from one kill to the next


def kill_commands(hub: Hub, kills: int, moments: random.Random) -> None:
    """Kill the command again and again, and continue it."""
    repos = hub.copies((kills + 1) * _BETWEEN[1])
    for _ in range(kills):
        with hub.start(*repos, "--workers", f"{_WORKERS}") as process:
            asked = _wait_for_repos(hub, process, moments)
            process.kill()
            process.communicate()
        _require_kept(hub, asked)
    _require_complete(hub, repos)


def kill_schedulers(hub: Hub, kills: int, moments: random.Random) -> None:
    """Kill the scheduler again and again, and continue with another one."""
    repos = hub.copies((kills + 1) * _BETWEEN[1])
    for _ in range(kills):
        cluster = Cluster(hub.folder)
        try:
            for _ in range(_WORKERS):
                cluster.add_worker()
            with hub.start(*repos, "--scheduler", cluster.address) as process:
                asked = _wait_for_repos(hub, process, moments)
                cluster.scheduler.kill()
                _, stderr = process.communicate(timeout=PATIENCE)
        finally:
            cluster.close()
        assert process.returncode == 2, stderr
        assert "was lost" in stderr, stderr
        _require_kept(hub, asked)
    _require_complete(hub, repos)


def kill_workers(hub: Hub, kills: int, moments: random.Random) -> None:
    """Kill workers while the command runs; another one takes the place of each."""
    repos = hub.copies((kills + 1) * _BETWEEN[1])
    cluster = Cluster(hub.folder)
    try:
        for _ in range(_WORKERS):
            cluster.add_worker()
        with hub.start(*repos, "--scheduler", cluster.address) as process:
            for _ in range(kills):
                _wait_for_repos(hub, process, moments)
                moments.choice(cluster.workers[-_WORKERS:]).kill()
                cluster.add_worker()
            _, stderr = process.communicate(timeout=600)
    finally:
        cluster.close()
    assert process.returncode == 0, stderr
    _require_complete(hub, repos)


def _wait_for_repos(hub: Hub, process: subprocess.Popen[str], moments: random.Random) -> int:
    """Let the host be asked for a random number of repos more; returns for how many it was."""
    wanted = len(set(_asked(hub))) + moments.randint(*_BETWEEN)
    last = time.monotonic() + PATIENCE
    while len(set(_asked(hub))) < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < last
        time.sleep(0.01)
    return len(set(_asked(hub)))


def _asked(hub: Hub) -> Iterator[str]:
    return (path for path in hub.host.paths("info/refs") if "copy-" in path)


def _require_kept(hub: Hub, asked: int) -> None:
    """Of the repos that were asked for before a kill, nothing but those in flight is lost."""
    kept = hub.recover()
    assert asked - _IN_FLIGHT <= kept <= len(set(_asked(hub))), (asked, kept)


def _require_complete(hub: Hub, repos: list[str]) -> None:
    """Each repo has one row with results, and what was kept is not judged again."""
    before = len(list(_asked(hub)))
    kept = hub.recover()
    summary = hub.audit(*repos, code=0)
    assert summary["run"] == (1 if kept < len(repos) else 2), summary
    done = "checked" if kept < len(repos) else "unchanged"
    assert summary["states"] == {done: len(repos)}, summary
    if kept < len(repos):
        assert len(list(_asked(hub))) - before == len(repos) - kept
    counts = hub.query("SELECT count(*), count(DISTINCT spec) FROM commits")
    assert counts == [(len(repos), len(repos))], counts


def main(kills: int, seed: int) -> None:
    """Run all of them, each in a hub of its own."""
    for kill in (kill_commands, kill_schedulers, kill_workers):
        with tempfile.TemporaryDirectory(prefix="hubkit-kills-") as name, GitHost() as host:
            folder = Path(name)
            os.environ.update(HUBKIT_GITHUB_URL=host.url, TORCH_HOME=name, HOME=name, NO_COLOR="1")
            os.chdir(folder)
            hub = Hub(host, folder)
            hub.publish("good", {"hubconf.py": GOOD, "LICENSE": "MIT License\n"})
            kill(hub, kills, random.Random(seed))
        print(f"{kill.__name__}: {kills} kills, nothing lost, nothing twice", flush=True)


if __name__ == "__main__":
    main(*(int(text) for text in (*sys.argv[1:], "20", "0")[:2]))
