"""Timing two things side by side, so that only their ratio counts."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One comparison.

    Attributes:
        what: What was done.
        peer: What it was compared with.
        ours: Median of our runs, in seconds.
        theirs: Median of the peer's runs, in seconds.
        target: The ratio to stay under, or None when there is none.
    """

    what: str
    peer: str
    ours: float
    theirs: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Our time as a share of the peer's."""
        return self.ours / self.theirs

    def __str__(self) -> str:
        verdict = "" if self.target is None else f"  target <= {self.target:g}"
        times = f"{self.ours * 1e3:9.2f} ms {self.theirs * 1e3:9.2f} ms"
        return f"{self.what:<44} {self.peer:<34} {times} {self.ratio:8.3f} x{verdict}"


def interleave(
    ours: Callable[[], object], theirs: Callable[[], object], runs: int
) -> tuple[float, float]:
    """Median seconds of both, measured in turn after one warm-up each."""
    times: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for call, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            call()
            if run:
                kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def process(
    command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Callable[[], object]:
    """Something that runs a command as a whole process; its exit code is not looked at."""

    def run() -> object:
        return subprocess.run(
            command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False
        )

    return run
