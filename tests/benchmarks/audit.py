"""What ``hubkit audit`` costs for each repo, against ``hubkit check`` in a loop in one process.

All repos are on a git host on loopback, which takes part of the processors; each run has a hub dir of
its own, so it fetches everything. ``HUBKIT_BENCH_REPOS`` sets how many repos there are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.benchmarks.measure import Result
from tests.benchmarks.startup import HUBCONF
from tests.git_host import GitHost, commit_files, git_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOP = """\
import contextlib, io, sys
from hubkit.cli import main
with open(sys.argv[1]) as stream:
    repos = stream.read().split()
for repo in repos:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(["check", "--no-cache", repo])
"""
KINDS = 20  # different repos; the others have their commits


class Run(Struct, frozen=True):
    """A finished process, with its children.

    Attributes:
        seconds: How long it took.
        cpu: Seconds of processors, which other work on the machine does not change much.
        megabytes: The most memory that the process itself took.
    """

    seconds: float
    cpu: float
    megabytes: float


def results(folder: Path) -> Iterator[Result]:
    """Compare audits with one and with two workers to a loop, and the memory of few and many repos."""
    count = int(os.environ.get("HUBKIT_BENCH_REPOS", "300"))
    with GitHost(folder / "host") as host:
        names = publish(host, folder, count)
        few, many = folder / "few.txt", folder / "many.txt"
        few.write_text("\n".join(names[: count // 10]))
        many.write_text("\n".join(names))
        audit = [sys.executable, "-m", "hubkit", "audit", "-q", "--per-host", "99", "--from"]
        loop = run(host, folder / "loop", [sys.executable, "-c", LOOP, str(many)])
        one = run(host, folder / "one", [*audit, str(many), "--workers", "1"])
        two = run(host, folder / "two", [*audit, str(many), "--workers", "2"])
        again = run(host, folder / "two", [*audit, str(many), "--workers", "2"])
        small = run(host, folder / "small", [*audit, str(few), "--workers", "2"])
    each = (
        f"{loop.seconds / count * 1e3:.0f} ms, {loop.cpu / count * 1e3:.0f} ms CPU each in the loop"
    )
    what = f"audit of {count}, 1 worker"
    yield Result(what, "check in a loop", one.seconds, loop.seconds, 1.3, note=each)
    yield Result(f"{what}, CPU", "check in a loop, CPU", one.cpu, loop.cpu, 1.3)
    yield Result(f"audit of {count}, 2 workers", "1 worker", two.seconds, one.seconds, 1 / 1.7)
    yield Result(f"audit of {count} unchanged", "new ones, 2 workers", again.seconds, two.seconds)
    what, note = f"memory of {count} repos", f"{two.megabytes:.0f} MB; the columns are megabytes"
    few_megabytes = small.megabytes / 1e3
    yield Result(what, f"of {count // 10}", two.megabytes / 1e3, few_megabytes, 1.2, note=note)


def publish(host: GitHost, folder: Path, count: int) -> list[str]:
    """Publish so many repos, of a few kinds; returns their names."""
    names = []
    for kind in range(min(KINDS, count)):
        worktree = folder / f"kind-{kind}"
        modules = {f"models/part_{at}.py": f"def f{at}(x):\n    return x\n" for at in range(kind)}
        sha = commit_files(worktree, {"hubconf.py": HUBCONF, "LICENSE": "MIT\n", **modules})
        bare = host.add_repo("acme", f"kind-{kind}", worktree)
        archive = git_bytes("archive", "--format=zip", f"--prefix=net-{sha}/", sha, cwd=worktree)
        host.add_archive(sha, archive)
        for number in range(kind, count, KINDS):
            (bare.parent / f"net-{number}.git").symlink_to(bare.name)
            names.append(f"acme/net-{number}")
    return names


def run(host: GitHost, folder: Path, command: Sequence[str]) -> Run:
    """Run a command in a folder, with a hub dir there."""
    folder.mkdir(exist_ok=True)
    settings = {"HUBKIT_GITHUB_URL": host.url, "TORCH_HOME": str(folder), "HOME": str(folder)}
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL
    ) as process:
        peak = 0.0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            peak = max(peak, read_peak(process.pid))
            time.sleep(0.1)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), process.returncode
    seconds = time.perf_counter() - start
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak)


def read_peak(pid: int) -> float:
    """The most megabytes that a process has used; `wait4` counts those of its parent, too."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), 0.0)
