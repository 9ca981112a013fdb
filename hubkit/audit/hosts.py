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
        per_host: How many jobs of one host may be taken at once. Folders have no limit.
    """

    def __init__(self, jobs: Iterable[Job], per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[Job]] = {}
        self._taken: dict[str, int] = {}
        self._closed_until: dict[str, float] = {}
        for job in jobs:
            self._waiting.setdefault(job.host, deque()).append(job)

    def __bool__(self) -> bool:
        """Whether jobs are left to take."""
        return any(self._waiting.values())

    def take(self, now: float) -> Job | None:
        """The next job, None if no host may be asked now.

        Args:
            now: The Unix time.
        """
        host = next((one for one in self._waiting if self._is_open(one, now)), None)
        if host is None:
            return None
        waiting = self._waiting.pop(host)
        job = waiting.popleft()
        if waiting:
            self._waiting[host] = waiting  # at the end: hosts take turns
        self._taken[host] = self._taken.get(host, 0) + 1
        return job

    def finish(self, job: Job) -> None:
        """Note that a taken job is done."""
        self._taken[job.host] -= 1

    def add_first(self, jobs: Iterable[Job]) -> None:
        """Add jobs in front of others of their host."""
        for job in jobs:
            self._waiting.setdefault(job.host, deque()).appendleft(job)

    def close_host(self, job: Job, until: float) -> None:
        """Ask nothing of a host until then, and put a taken job back."""
        self.finish(job)
        self._closed_until[job.host] = max(until, self._closed_until.get(job.host, 0.0))
        self.add_first([job])

    def closed_hosts(self, now: float) -> dict[str, float]:
        """The hosts that must not be asked now, each with the Unix time when it may be."""
        return {host: at for host, at in self._closed_until.items() if at > now}

    def _is_open(self, host: str, now: float) -> bool:
        has_room = not host or self._taken.get(host, 0) < self._per_host
        return has_room and self._closed_until.get(host, 0.0) <= now
