"""What loading costs beyond the entrypoint itself, warm, in one process."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, interleave

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HUBCONF = '''dependencies = ["torch"]

from net.parts import part


def answer():
    """The answer."""
    return part()
'''
CALLS = 50


def results(folder: Path) -> Iterator[Result]:
    """Compare warm local loads, and warm loads of the same tree from the hub dir."""
    import torch.hub

    import hubkit

    tree = folder / "hub" / "own_rep_main"
    (tree / "net").mkdir(parents=True)
    (tree / "hubconf.py").write_text(HUBCONF)
    (tree / "net" / "__init__.py").write_text("")
    (tree / "net" / "parts.py").write_text("def part():\n    return 42\n")
    for hub in (torch.hub, hubkit):
        hub.set_dir(str(folder / "hub"))

    def local(hub: object) -> None:
        for _ in range(CALLS):
            hub.load(str(tree), "answer", source="local")  # type: ignore[attr-defined]

    def cached(hub: object) -> None:
        for _ in range(CALLS):
            hub.load("own/rep:main", "answer", trust_repo=True, verbose=False)  # type: ignore[attr-defined]

    for what, call in (("a local load", local), ("a warm load", cached)):
        ours, theirs = partial(call, hubkit), partial(call, torch.hub)
        times = interleave(ours, theirs, runs=9, clock=time.process_time)
        yield Result(f"{CALLS} times {what}", "torch.hub", *times, 1.0)
