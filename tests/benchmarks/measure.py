"""Timing two things side by side, so that only their ratio counts."""

from __future__ import annotations

import contextlib
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
        least: The ratio of the quickest runs, or None when only medians were kept.
        note: What to know about the comparison.
    """

    what: str
    peer: str
    ours: float
    theirs: float
    target: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Our time as a share of the peer's."""
        return self.ours / self.theirs

    def __str__(self) -> str:
        verdict = "" if self.target is None else f"  target <= {self.target:g}"
        times = f"{self.ours * 1e3:9.2f} ms {self.theirs * 1e3:9.2f} ms"
        least = "" if self.least is None else f" (quickest {self.least:.3f} x)"
        ratio = f"{self.ratio:8.3f} x{least}{verdict}"
        return f"{self.what:<44} {self.peer:<34} {times} {ratio}  {self.note}".rstrip()


def interleave(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of both, measured in turn after one warm-up each.

    What waits for nobody and starts no processes is better measured by ``time.process_time``,
    which other programs do not disturb.
    """
    times = take_turns((ours, theirs), runs, clock)
    return statistics.median(times[0]), statistics.median(times[1])


def take_turns(
    calls: Sequence[Callable[[], object]],
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Seconds of each call's runs, measured in turn after one warm-up each."""
    times: list[list[float]] = [[] for _ in calls]
    for run in range(runs + 1):
        for call, kept in zip(calls, times, strict=True):
            start = clock()
            call()
            if run:
                kept.append(clock() - start)
    return times


def compare(
    what: str, peer: str, ours: list[float], theirs: list[float], target: float, note: str = ""
) -> Result:
    """A comparison of runs that took turns."""
    medians = statistics.median(ours), statistics.median(theirs)
    return Result(what, peer, *medians, target, min(ours) / min(theirs), note)


def process(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    patience: float | None = None,
) -> Callable[[], object]:
    """Something that runs a command as a whole process; its exit code is not looked at.

    Args:
        command: The command.
        cwd: Where it runs.
        env: Variables that it gets beside ours.
        patience: Seconds after which it is stopped.
    """

    def run() -> object:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                command,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                capture_output=True,
                check=False,
                timeout=patience,
            )
        return None

    return run
