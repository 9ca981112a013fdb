"""Start-up: importing hubkit, commands that only read, and first loads, cached and cold."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.downloads import serve_elsewhere
from tests.benchmarks.measure import Result, interleave, process
from tests.benchmarks.measure import compare as compare_runs
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.git_host import GitHost

TOOLS = Path(sys.executable).parent
HUBCONF = '''dependencies = ["torch"]


def net(pretrained: bool = False):
    """A line.

    Args:
        pretrained: Load weights.
    """
    import torch

    return torch.nn.Linear(1, 1)
'''


def results(folder: Path) -> Iterator[Result | str]:
    """Compare start-ups; one median of nine whole processes each."""
    (folder / "hubconf.py").write_text(HUBCONF)
    python, hubkit = sys.executable, str(TOOLS / "hubkit")

    def compare(what: str, ours: list[str], peer: str, theirs: list[str], target: float) -> Result:
        times = interleave(process(ours, cwd=folder), process(theirs, cwd=folder), runs=9)
        return Result(what, peer, *times, target)

    yield compare(
        "import hubkit",
        [python, "-c", "import hubkit"],
        "python -c pass",
        [python, "-c", "pass"],
        1.2,
    )
    yield compare(
        "hubkit --help",
        [hubkit, "--help"],
        "pytest --version",
        [str(TOOLS / "pytest"), "--version"],
        0.7,
    )
    if flake8 := shutil.which("flake8"):
        for what, options in (("anew", ["--no-cache"]), ("again", [])):
            ours, theirs = [hubkit, "check", *options], [flake8, "hubconf.py"]
            yield compare(f"hubkit check {what}, small repo", ours, "flake8", theirs, 0.6)
    else:
        yield "not installed: flake8"
    yield from _cached(folder)
    yield from _cold_loads(folder)


FIRST_LOAD = """
import os, sys, time, urllib.request
import torch

def there(url):  # what HUBKIT_GITHUB_URL is to hubkit
    host = os.environ["HUBKIT_GITHUB_URL"]
    url = url.replace("https://api.github.com", f"{host}/api")
    return url.replace("https://github.com", host)

def urlopen(request):
    return urllib.request.urlopen(there(getattr(request, "full_url", request)))

torch.hub.urlopen = urlopen
# What waits for nobody is measured by its own time, which other programs disturb less.
clock = time.perf_counter if sys.argv[2].startswith("own/") else time.process_time
begin = clock()
if sys.argv[1] == "hubkit":
    import hubkit as hub
else:
    import torch.hub as hub
if sys.argv[2] == "cached":
    hub.load("own/rep:main", "net", trust_repo=True, skip_validation=True, verbose=False)
elif sys.argv[2].startswith("/"):
    hub.load(sys.argv[2], "net", source="local")
else:
    hub.load(sys.argv[2], "net", trust_repo=True, verbose=False)
print(clock() - begin, file=sys.stderr)
"""
FIRST_LOADS = 15
FIRST_LOAD_LIMIT = 0.015  # seconds more than torch.hub


def _first_loads(env: dict[str, str], tree: Path) -> Iterator[Result]:
    """First loads in fresh processes that have imported torch, imports of hubkit included."""
    for what, repo in (("a cached repo", "cached"), ("a folder", str(tree))):
        times: dict[str, list[float]] = {"hubkit": [], "torch": []}
        for run in range(FIRST_LOADS + 1):
            for hub, taken in times.items():
                seconds = _time_child(env, hub, repo)
                if run:  # the first one compiles
                    taken.append(seconds)
        ours, theirs = (statistics.median(taken) for taken in times.values())
        within = "within" if ours - theirs <= FIRST_LOAD_LIMIT else "over"
        note = f"{(ours - theirs) * 1e3:+.1f} ms, {within} {FIRST_LOAD_LIMIT * 1e3:.0f} ms"
        yield Result(f"first load, {what}", "torch.hub", ours, theirs, note=note)


COLD_FILES = 50
LATENCY = 0.03  # seconds
COLD_LOADS = 9
_AWAY = f"{LATENCY * 1e3:.0f} ms away"


def _cold_loads(folder: Path) -> Iterator[Result]:
    """Cold loads in fresh processes that have imported torch, over a network with a delay."""
    with serve_elsewhere(partial(_publish, folder / "host")) as url:
        for what, repo in (("a branch", "own/rep:main"), ("the default branch", "own/rep")):
            times: dict[str, list[float]] = {"hubkit": [], "torch": []}
            for run in range(COLD_LOADS + 1):
                for hub, taken in times.items():
                    seconds = _time_cold(folder, url, hub, repo)
                    if run:  # the first one compiles
                        taken.append(seconds)
            yield compare_runs(
                f"cold load of {what}, {COLD_FILES} files",
                "torch.hub",
                times["hubkit"],
                times["torch"],
                0.8,
                _AWAY,
            )


def _time_cold(folder: Path, url: str, hub: str, repo: str) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as home:
        return _time_child({"TORCH_HOME": home, "HUBKIT_GITHUB_URL": url}, hub, repo)


def _publish(root: Path, host: GitHost) -> str:
    files = {f"package/module_{i}.py": f"VALUE = {i}\n" * 50 for i in range(COLD_FILES - 1)}
    commit_files(root, {"hubconf.py": HUBCONF, **files})
    host.add_repo("own", "rep", root)
    host.latency = LATENCY
    return host.url


def _time_child(env: dict[str, str], *arguments: str) -> float:
    # Compiled files are what users have, whatever the environment says.
    env = {**os.environ, **env, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_LOAD, *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stderr)


def _cached(folder: Path) -> Iterator[Result]:
    """Load, list and help of a repo in the hub dir, beside torch.hub."""
    tree = folder / "home" / "hub" / "own_rep_main"
    tree.mkdir(parents=True)
    (tree / "hubconf.py").write_text(HUBCONF)
    env = {"TORCH_HOME": str(folder / "home"), "HUBKIT_OFFLINE": "1"}
    yield from _first_loads(env, tree)
    hubkit = str(TOOLS / "hubkit")
    arguments = "'own/rep:main', trust_repo=True, skip_validation=True"
    calls = {
        "list": ([hubkit, "list", "own/rep:main"], f"torch.hub.list({arguments})"),
        "help": (
            [hubkit, "help", "own/rep:main", "net"],
            f"torch.hub.help('own/rep:main', 'net', {arguments.partition(', ')[2]})",
        ),
    }
    for name, (ours, call) in calls.items():
        theirs = [sys.executable, "-c", f"import torch; print({call})"]
        times = interleave(process(ours, env=env), process(theirs, env=env), runs=9)
        yield Result(f"hubkit {name}, cached repo", f"torch.hub.{name}", *times, 0.1)
