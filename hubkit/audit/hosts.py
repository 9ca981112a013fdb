"""What may be asked of which host now: a few repos at once, and none while it limits the rate."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.audit.shards import Job


class HostQueue:
    """The jobs that are left, by host.

    Args:
        jobs: The jobs, in the order in which to take them.
        per_host: How many batches of one host may be taken at once. Folders have no limit.
    """

    def __init__(self, jobs: Iterable[Job], per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[Job]] = {}
        self._taken: dict[str, int] = {}
        self._closed_until: dict[str, float] = {}
        self._count = 0
        for job in jobs:
            self._waiting.setdefault(job.host, deque()).append(job)
            self._count += 1

    def __len__(self) -> int:
        """How many jobs are left to take."""
        return self._count

    def take(self, now: float, most: int) -> tuple[Job, ...]:
        """The next batch of jobs, all of one host; none if no host may be asked now.

        One that is a task of its own is alone in its batch.

        Args:
            now: The Unix time.
            most: How many to take at most.
        """
        host = next((one for one in self._waiting if self._is_open(one, now)), None)
        if host is None:
            return ()
        waiting = self._waiting.pop(host)
        batch = [waiting.popleft()]
        while waiting and len(batch) < most and not (batch[0].alone or waiting[0].alone):
            batch.append(waiting.popleft())
        if waiting:
            self._waiting[host] = waiting  # at the end: hosts take turns
        self._taken[host] = self._taken.get(host, 0) + 1
        self._count -= len(batch)
        return tuple(batch)

    def finish(self, host: str) -> None:
        """Note that a batch of a host is done."""
        self._taken[host] -= 1

    def add_first(self, jobs: Iterable[Job]) -> None:
        """Add jobs in front of others of their host."""
        for job in reversed([*jobs]):
            self._waiting.setdefault(job.host, deque()).appendleft(job)
            self._count += 1

    def close_host(self, host: str, until: float) -> None:
        """Ask nothing of a host until then."""
        self._closed_until[host] = max(until, self._closed_until.get(host, 0.0))

    def closed_hosts(self, now: float) -> dict[str, float]:
        """The hosts that must not be asked now, each with the Unix time when it may be."""
        return {host: at for host, at in self._closed_until.items() if at > now}

    def _is_open(self, host: str, now: float) -> bool:
        has_room = not host or self._taken.get(host, 0) < self._per_host
        return has_room and self._closed_until.get(host, 0.0) <= now
