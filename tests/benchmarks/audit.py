"""What ``hubkit audit`` costs for each repo, against ``hubkit check`` in a loop in one process.

All repos are on a git host on loopback, which answers from memory to take little of the processors;
each run has a hub dir of its own, so it fetches everything. Two numbers set how many repos there are in the small and in the
large audits: ``python -m tests.benchmarks audit 1000 10000``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.audit.cluster import Cluster
from tests.benchmarks.measure import Result
from tests.benchmarks.startup import HUBCONF
from tests.git_host import GitHost, commit_files, git_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


def results(folder: Path, *, sizes: Sequence[int] = ()) -> Iterator[Result]:
    """Compare audits to a loop, one worker to two, and the memory of few and many repos."""
    few, many = sizes or (300, 1000)
    with GitHost(folder / "host") as host:
        names = publish(host, folder, many)
        lists = {count: folder / f"{count}.txt" for count in (few, many)}
        for count, file in lists.items():
            file.write_text("\n".join(names[:count]))
        command = [sys.executable, "-m", "hubkit", "audit", "-q", "--per-host", "99", "--from"]

        def audit(name: str, count: int, *options: str) -> Run:
            return measure(host, folder / name, count, [*command, str(lists[count]), *options])

        def loop(name: str) -> Run:
            return measure(host, folder / name, few, [sys.executable, "-c", LOOP, str(lists[few])])

        # The loop runs again in between, since the machine may have other work meanwhile.
        loops = [loop("loop-1")]
        one = audit("one", few, "--workers", "1")
        two = audit("two", few, "--workers", "2")
        loops.append(loop("loop-2"))
        clusters = list(on_clusters(host, folder, lambda *found: audit(found[0], few, *found[1:])))
        again = audit("two", few, "--workers", "2")
        large = audit("many", many, "--workers", "2")
        loops.append(loop("loop-3"))
    cpu = sum(each.cpu for each in loops) / len(loops) / few
    seconds = sum(each.seconds for each in loops) / len(loops) / few
    note = f"{seconds * 1e3:.0f} ms, {cpu * 1e3:.1f} ms CPU each in the loop"
    base = "check in a loop, CPU"
    yield Result(f"audit of {few}, 1 worker, CPU", base, one.cpu, cpu * few, note=note)
    yield Result(f"audit of {few}, 2 workers, CPU", base, two.cpu, cpu * few)
    yield Result(f"audit of {many}, 2 workers, CPU", base, large.cpu, cpu * many, 1.3)
    first = loops[0].seconds
    yield Result(f"audit of {few}, 1 worker", "check in a loop just before", one.seconds, first)
    yield Result(f"audit of {few}, 2 workers", "1 worker", two.seconds, one.seconds, 1 / 1.7)
    what = f"audit of {few}, scheduler and 2 workers"
    yield Result(what, "1 worker", clusters[1].seconds, clusters[0].seconds, 1 / 1.7)
    yield Result(f"audit of {few} unchanged", "new ones, 2 workers", again.seconds, two.seconds)
    what, note = f"memory of {many} repos", f"{large.megabytes:.0f} MB; the columns are megabytes"
    yield Result(what, f"of {few}", large.megabytes / 1e3, two.megabytes / 1e3, 1.2, note=note)


def on_clusters(host: GitHost, folder: Path, audit: Callable[..., Run]) -> Iterator[Run]:
    """Audits with a scheduler and one worker, then two, as processes of their own."""
    for workers in (1, 2):
        cluster = Cluster(folder)
        try:
            for _ in range(workers):
                cluster.add_worker(**settings(host, folder / f"cluster-{workers}"))
            yield audit(f"cluster-{workers}", "--scheduler", cluster.address)
        finally:
            cluster.close()


def measure(host: GitHost, folder: Path, count: int, command: Sequence[str]) -> Run:
    """Run a command, and say how it went."""
    found = run(host, folder, command)
    print(
        f"{folder.name}: {count} repos, {found.seconds / count * 1e3:.1f} ms,"
        f" {found.cpu / count * 1e3:.1f} ms CPU each, {found.megabytes:.0f} MB",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    return found


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
        advertise = ("upload-pack", "--stateless-rpc", "--advertise-refs", str(bare))
        refs = b"001e# service=git-upload-pack\n0000" + git_bytes(*advertise, cwd=bare)
        for number in range(kind, count, KINDS):
            (bare.parent / f"net-{number}.git").symlink_to(bare.name)
            host.add_file(f"/acme/net-{number}.git/info/refs", refs)
            names.append(f"acme/net-{number}")
    return names


def settings(host: GitHost, folder: Path) -> dict[str, str]:
    """Environment variables of processes that use the host and a hub dir in a folder."""
    return {"HUBKIT_GITHUB_URL": host.url, "TORCH_HOME": str(folder), "HOME": str(folder)}


def run(host: GitHost, folder: Path, command: Sequence[str]) -> Run:
    """Run a command in a folder, with a hub dir there."""
    folder.mkdir(exist_ok=True)
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **settings(host, folder)}, stdout=subprocess.DEVNULL
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
