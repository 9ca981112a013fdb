"""What ``hubkit audit`` costs for each repo, against ``hubkit check`` in a loop in one process.

All repos are on a git host on loopback, which has its answers in memory and takes next to nothing of
the processors; each run has a hub dir of its own, so it fetches everything. Two numbers set how many repos there are
in the loop and in the audits: ``python -m tests.benchmarks audit 1000 10000``.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.audit.cluster import PATIENCE, Cluster
from tests.benchmarks.measure import Result
from tests.benchmarks.startup import HUBCONF
from tests.git_host import commit_files, git_bytes

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
_REFS = "Content-Type: application/x-git-upload-pack-advertisement"
KINDS = 20  # different repos; the others have their commits


class Run(Struct, frozen=True):
    """A finished process, with its children and those of the cluster that it used.

    Attributes:
        seconds: How long it took, in all or for each repo.
        cpu: Seconds of processors, likewise, which other work on the machine does not change
            much.
        megabytes: The most memory that the process itself took.
    """

    seconds: float
    cpu: float
    megabytes: float


def results(folder: Path, *, sizes: Sequence[int] = ()) -> Iterator[Result]:
    """Compare audits to a loop, one worker to two, and the memory of few and many repos."""
    few, many = sizes or (300, 1000)
    with MemoryHost() as host:
        names = publish(host, folder, many)
        lists = {count: folder / f"{count}.txt" for count in (few, many)}
        for count, file in lists.items():
            file.write_text("\n".join(names[:count]))
        command = [sys.executable, "-m", "hubkit", "audit", "-q", "--per-host", "99", "--from"]

        def audit(name: str, count: int, *options: str, cluster: Cluster | None = None) -> Run:
            arguments = [*command, str(lists[count]), *options]
            return measure(host, folder / name, count, arguments, cluster)

        def loop(name: str) -> Run:
            return measure(host, folder / name, few, [sys.executable, "-c", LOOP, str(lists[few])])

        # The loop runs again in between, since the machine may have other work meanwhile.
        loops = [loop("loop-1")]
        small = audit("few", few, "--workers", "2")
        one = audit("one", many, "--workers", "1")
        two = audit("two", many, "--workers", "2")
        again = audit("two", many, "--workers", "2")
        loops.append(loop("loop-2"))
        clusters = []
        for workers in (1, 2):
            name = f"cluster-{workers}"
            with start_cluster(folder, workers, settings(host, folder / name)) as cluster:
                options = ("--scheduler", cluster.address)
                clusters.append(audit(name, many, *options, cluster=cluster))
        loops.append(loop("loop-3"))
    wall = statistics.median(one.seconds for one in loops)
    cpu = statistics.median(one.cpu for one in loops)
    base, what = "check in a loop", f"audit of {many}"
    yield Result(f"{what}, 1 worker", base, one.seconds, wall, 1.3)
    yield Result(f"{what}, 1 worker, CPU", f"{base}, CPU", one.cpu, cpu, 1.3)
    yield Result(f"{what}, 2 workers, CPU", f"{base}, CPU", two.cpu, cpu, 1.3)
    yield Result(f"{what}, 2 workers", "1 worker", two.seconds, one.seconds, 1 / 1.7)
    apart = f"{what}, scheduler and 2 workers"
    yield Result(apart, "1 worker", clusters[1].seconds, clusters[0].seconds, 1 / 1.7)
    yield Result(f"{apart}, CPU", f"{base}, CPU", clusters[1].cpu, cpu)
    yield Result(f"{what} unchanged", "new ones, 2 workers", again.seconds, two.seconds)
    what, note = f"memory of {many} repos", f"{two.megabytes:.0f} MB; the columns are megabytes"
    yield Result(what, f"of {few}", two.megabytes / 1e3, small.megabytes / 1e3, 1.2, note=note)


@contextlib.contextmanager
def start_cluster(folder: Path, workers: int, env: dict[str, str]) -> Iterator[Cluster]:
    """A scheduler and workers that are ready, as processes of their own."""
    from distributed import Client

    cluster = Cluster(folder)
    try:
        for _ in range(workers):
            cluster.add_worker(**env)
        with Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE)
        yield cluster
    finally:
        cluster.close()


def measure(
    host: MemoryHost,
    folder: Path,
    count: int,
    command: Sequence[str],
    cluster: Cluster | None = None,
) -> Run:
    """Run a command for so many repos, and say how it went."""
    servers = (cluster.scheduler, *cluster.workers) if cluster else ()
    before = sum(read_cpu(one.pid) for one in servers)
    whole = run(host, folder, command)
    cpu = whole.cpu + sum(read_cpu(one.pid) for one in servers) - before
    found = Run(whole.seconds / count, cpu / count, whole.megabytes)
    print(
        f"{folder.name}: {count} repos, {found.seconds * 1e3:.1f} ms,"
        f" {found.cpu * 1e3:.1f} ms CPU each"
        f"{f', {whole.cpu / count * 1e3:.1f} ms of it the command' if cluster else ''},"
        f" {found.megabytes:.0f} MB",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    return found


class MemoryHost:
    """A host on loopback that has a complete answer to each path in memory.

    Attributes:
        answers: The answers, by path.
        url: Its base URL.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> MemoryHost:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def add(self, path: str, body: bytes = b"", status: str = "200 OK", *headers: str) -> None:
        """Set the answer to a path."""
        lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")
        self.answers[path] = "\r\n".join(lines).encode() + body

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = b""
        with connection, contextlib.suppress(ConnectionError):
            while received := connection.recv(1 << 16):
                asked += received
                while b"\r\n\r\n" in asked:
                    head, _, asked = asked.partition(b"\r\n\r\n")
                    path = head.split(b" ", 2)[1].decode().partition("?")[0]
                    connection.sendall(self.answers[path])


def publish(host: MemoryHost, folder: Path, count: int) -> list[str]:
    """Publish so many repos, of a few kinds; returns their names."""
    names = []
    for kind in range(min(KINDS, count)):
        worktree, bare = folder / f"kind-{kind}", folder / f"kind-{kind}.git"
        modules = {f"models/part_{at}.py": f"def f{at}(x):\n    return x\n" for at in range(kind)}
        sha = commit_files(worktree, {"hubconf.py": HUBCONF, "LICENSE": "MIT\n", **modules})
        git_bytes("clone", "--quiet", "--bare", str(worktree), str(bare), cwd=folder)
        archive = git_bytes("archive", "--format=zip", f"--prefix=net-{sha}/", sha, cwd=worktree)
        advertise = ("upload-pack", "--stateless-rpc", "--advertise-refs", str(bare))
        refs = b"001e# service=git-upload-pack\n0000" + git_bytes(*advertise, cwd=bare)
        for number in range(kind, count, KINDS):
            name, download = f"acme/net-{number}", f"/codeload/acme/net-{number}/zip/{sha}"
            host.add(f"/{name}.git/info/refs", refs, "200 OK", _REFS)
            host.add(f"/{name}/archive/{sha}.zip", b"", "302 Found", f"Location: {download}")
            host.add(download, archive, "200 OK", "Content-Type: application/zip")
            names.append(name)
    return names


def settings(host: MemoryHost, folder: Path) -> dict[str, str]:
    """Environment variables of processes that use the host and a hub dir in a folder."""
    return {"HUBKIT_GITHUB_URL": host.url, "TORCH_HOME": str(folder), "HOME": str(folder)}


def run(host: MemoryHost, folder: Path, command: Sequence[str]) -> Run:
    """Run a command in a folder, with a hub dir there; its numbers are those of all repos."""
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


def read_cpu(pid: int) -> float:
    """The seconds of processors that a process has used, with all that it has started."""
    parents = {int(path.parent.name): read_stat(path) for path in Path("/proc").glob("[0-9]*/stat")}
    tree = [pid]
    for parent in tree:
        tree += (one for one, fields in parents.items() if fields[1:2] == [parent])
    return sum(sum(parents[one][11:15]) for one in tree) / os.sysconf("SC_CLK_TCK")


def read_stat(path: Path) -> list[int]:
    """The numbers after the name of a process; none if it has ended."""
    try:
        return [0, *map(int, path.read_text("ascii").rpartition(")")[2].split()[1:])]
    except OSError:
        return []
