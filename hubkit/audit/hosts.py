"""What may be asked of which host now: a few repos at once, and none while it limits the rate."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.audit.sources import Source


class HostQueue:
    """The repos that are left, by host.

    Args:
        sources: The repos, in the order in which to take them.
        per_host: How many repos of one host may be taken at once. Folders have no limit.
    """

    def __init__(self, sources: Iterable[Source], per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[Source]] = {}
        self._taken: dict[str, int] = {}
        self._closed_until: dict[str, float] = {}
        for source in sources:
            self._waiting.setdefault(source.host, deque()).append(source)

    def __bool__(self) -> bool:
        """Whether repos are left to take."""
        return any(self._waiting.values())

    def take(self, now: float) -> Source | None:
        """The next repo, None if no host may be asked now.

        Args:
            now: The Unix time.
        """
        host = next((one for one in self._waiting if self._is_open(one, now)), None)
        if host is None:
            return None
        waiting = self._waiting.pop(host)
        source = waiting.popleft()
        if waiting:
            self._waiting[host] = waiting  # at the end: hosts take turns
        self._taken[host] = self._taken.get(host, 0) + 1
        return source

    def finish(self, source: Source) -> None:
        """Note that a taken repo is done."""
        self._taken[source.host] -= 1

    def close_host(self, source: Source, until: float) -> None:
        """Ask nothing of a host until then, and put a taken repo back."""
        self.finish(source)
        self._closed_until[source.host] = max(until, self._closed_until.get(source.host, 0.0))
        self._waiting.setdefault(source.host, deque()).appendleft(source)

    def closed_hosts(self, now: float) -> dict[str, float]:
        """The hosts that must not be asked now, each with the Unix time when it may be."""
        return {host: at for host, at in self._closed_until.items() if at > now}

    def _is_open(self, host: str, now: float) -> bool:
        has_room = not host or self._taken.get(host, 0) < self._per_host
        return has_room and self._closed_until.get(host, 0.0) <= now
