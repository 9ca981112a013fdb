"""The size of a batch: the repos of about half a second, fewer at the start and at the end.

A Dask task takes a few milliseconds of the scheduler, the worker and the command. A batch shares
them among its repos, and is short, so that little is lost with a worker or the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubkit.audit.messages import Outcome

SECONDS = 0.5  # that a batch should take
_PARTS = 4  # batches for each worker, at least, in what is left, so that all end together
_WEIGHT = 0.05  # of one repo in the mean
_LEAST = 0.001  # seconds


class Pace:
    """Learns from outcomes how long a repo takes."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def add(self, outcome: Outcome) -> None:
        """Take an outcome into account. A repo that takes very long counts as a batch."""
        seconds = min(max(sum(outcome.seconds.values()), _LEAST), SECONDS)
        self._mean = (
            seconds if self._mean is None else self._mean + _WEIGHT * (seconds - self._mean)
        )

    def size(self, left: int, threads: int) -> int:
        """How many repos to put into the next batch.

        Args:
            left: How many there are.
            threads: How many batches run at once.
        """
        if self._mean is None:
            return 1
        return max(1, min(int(SECONDS / self._mean), left // (_PARTS * max(threads, 1))))
