"""What the conformance suite costs beside a script that builds each model once and runs it once.

CPU seconds of whole processes with their children, since other work on the machine makes no
difference to those.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, compare
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MODEL = '''"""A residual net for small images."""

import torch
from torch import nn


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.around = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        """Once through."""
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.around(x))


class Net(nn.Sequential):
    """Eight blocks and a classifier."""

    def __init__(self, width):
        sizes = [3, *(width * 2 ** (at // 2) for at in range(8))]
        blocks = [Block(sizes[at], sizes[at + 1], 1 + at % 2) for at in range(8)]
        super().__init__(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(sizes[-1], 10))
'''
ENTRYPOINT = '''

def net{number}(pretrained: bool = False) -> "_torch.nn.Module":
    """Classify images.

    Args:
        pretrained: There are no weights.
    """
    return _Net({width})
'''
BARE = """
import torch, hubconf
for number in range({count}):
    build = getattr(hubconf, f"net{{number}}")
    model = build().eval()
    with torch.inference_mode():
        model(torch.rand(2, 3, {pixels}, {pixels}))
"""
# Entrypoints, width and pixels, and the targets of levels 1 and 2 and of all levels. The second is
# about what MobileNet is, on images as it is run on; the others, on thumbnails, have 0.7, 2.8 and 11
# million parameters and next to nothing to compute; the fourth is about ResNet-18, the last what is
# trained on CIFAR.
SIZES = (
    (50, 16, 64, 2.5, 4.0),
    (50, 32, 224, 2.5, 4.0),
    (50, 32, 64, 2.5, 4.0),
    (8, 64, 32, 3.0, 3.0),
    (48, 16, 32, 2.5, 4.0),
)


def results(
    folder: Path, sizes: Sequence[tuple[int, int, int, float, float]] = SIZES, runs: int = 3
) -> Iterator[Result]:
    """Compare levels 1 and 2, and all three, for models and images of several sizes.

    With two workers of xdist, half of what both take is what one waits for on two cores.
    """
    for count, width, pixels, *targets in sizes:
        root = folder / f"{count}-width{width}-{pixels}"
        commit_files(root, _files(width, pixels, count))
        bare = [sys.executable, "-c", BARE.format(count=count, pixels=pixels)]
        suite = [sys.executable, "-m", "pytest", "-q", "--hubconf", "-p", "no:cacheprovider"]
        # Linted or not is another matter, and few who publish models have hypothesis.
        suite += ["--deselect=hubconf.py::check", "-p", "no:hypothesispytest"]
        two, whole, shared, theirs = [], [], [], []
        for _ in range(runs):
            theirs.append(cpu_seconds(bare, root))
            two.append(cpu_seconds([*suite, "--hubconf-level=2"], root))
            whole.append(cpu_seconds(suite, root))
            shared.append(cpu_seconds([*suite, "-n", "2"], root) / 2)
        what = f"{count} entrypoints of width {width} on {pixels} pixels"
        yield compare(f"{what}, levels 1 and 2", "bare script", two, theirs, targets[0])
        yield compare(f"{what}, all levels", "bare script", whole, theirs, targets[1])
        yield compare(f"{what}, half of -n 2", "one process", shared, whole, 1 / 1.8)


def cpu_seconds(command: Sequence[str], cwd: Path) -> float:
    """What a command takes of the processor, with its children.

    Args:
        command: The command; its exit code must be 0.
        cwd: Where it runs.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _files(width: int, pixels: int, count: int) -> dict[str, str]:
    head = 'import torch as _torch\n\nfrom bench_nets.model import Net as _Net\n\ndependencies = ["torch"]\n'
    tables = (
        f'[entrypoints.net{number}]\ninput = "f32[B,3,{pixels},{pixels}]"\ntrained = false\n'
        for number in range(count)
    )
    return {
        "hubconf.py": head
        + "".join(ENTRYPOINT.format(number=number, width=width) for number in range(count)),
        "hubkit.toml": "".join(tables),
        "bench_nets/__init__.py": "",
        "bench_nets/model.py": MODEL,
    }
