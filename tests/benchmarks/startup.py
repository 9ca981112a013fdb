"""What starting costs: importing hubkit, and the commands that only read."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, interleave, process

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def _cached(folder: Path) -> Iterator[Result]:
    """What a repo in the hub dir offers, asked by command and through torch.hub."""
    tree = folder / "home" / "hub" / "own_rep_main"
    tree.mkdir(parents=True)
    (tree / "hubconf.py").write_text(HUBCONF)
    env = {"TORCH_HOME": str(folder / "home"), "HUBKIT_OFFLINE": "1"}
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
