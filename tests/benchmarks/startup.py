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


def results(folder: Path) -> Iterator[Result]:
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
    if flake8 := shutil.which("flake8", path=str(TOOLS)):
        yield compare(
            "hubkit check, small repo", [hubkit, "check"], "flake8", [flake8, "hubconf.py"], 0.6
        )
    torch_list = "import torch.hub, hubconf; print([n for n in dir(hubconf) if n[0] != '_'])"
    yield compare(
        "hubkit list",
        [hubkit, "list", "."],
        "import torch and hubconf",
        [python, "-c", torch_list],
        0.1,
    )
