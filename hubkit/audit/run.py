"""One run of the audit: take repos from the queue, let the engine judge them, store the outcomes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit import limits
from hubkit.audit.hosts import HostQueue
from hubkit.audit.journal import Entry
from hubkit.audit.messages import Bounds, Outcome, Settings, Task
from hubkit.audit.pace import Pace
from hubkit.audit.shards import Job, Shards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hubkit.audit.engine import Arrival, Engine
    from hubkit.audit.sources import Source
    from hubkit.audit.store import Known, Progress, Store

_LOOK_EVERY = 0.25  # seconds between two looks at hosts that may be asked again
_UNKNOWN_WAIT = 60.0  # seconds to leave a host alone that does not say how long
_MOST_WAITS = 4  # for one repo


class AuditOptions(Struct, frozen=True):
    """How to audit.

    Attributes:
        settings: What results depend on.
        bounds: What judging one repo may use.
        offline: Whether to use the hub dir only.
        per_host: How many repos of one host to judge at once.
        again: Whether to judge repos again that have not changed.
        trusts: Says of a repo whether its code may run; the settings without the suite hold for
            the others.
    """

    settings: Settings = field(default_factory=Settings)
    bounds: Bounds = field(default_factory=Bounds)
    offline: bool = False
    per_host: int = 8
    again: bool = False
    trusts: Callable[[Source], bool] = lambda _source: False

    def settings_for(self, source: Source) -> Settings:
        """The settings of one repo."""
        if not self.settings.level or self.trusts(source):
            return self.settings
        return self.settings.without_suite()


class Watcher(Protocol):
    """Is told what happens."""

    def start(self, todo: int, total: int) -> object:
        """So many repos are to do, of all repos."""

    def store(self, count: int) -> object:
        """The outcomes of so many more repos are in the database."""

    def wait(self, host: str, until: float) -> object:
        """A host limits the rate until that Unix time."""


def run_audit(
    sources: Sequence[Source],
    options: AuditOptions,
    store: Store,
    engine: Engine,
    watcher: Watcher,
) -> int:
    """Audit repos and store each outcome when it arrives; return the number of the run.

    A run that was interrupted is continued.

    Raises:
        HubkitError: The cluster or the database cannot be used.
    """
    progress = store.begin(sources, options.settings)
    left = [source for source in sources if source.spec not in progress.done]
    watcher.start(len(left), len(sources))
    known = {} if options.again else store.find_known()
    audit = _Audit(options, store, engine, watcher, known, progress)
    audit.do(left)
    store.finish(progress.run)
    return progress.run


class _Audit:
    """The state of a run."""

    def __init__(
        self,
        options: AuditOptions,
        store: Store,
        engine: Engine,
        watcher: Watcher,
        known: Known,
        progress: Progress,
    ) -> None:
        self._options = options
        self._store = store
        self._engine = engine
        self._watcher = watcher
        self._known = known
        self._progress = progress
        self._arrived: list[Entry] = []
        self._waits: dict[Job, int] = {}
        self._shards = Shards()
        self._pace = Pace()

    def do(self, sources: Sequence[Source]) -> None:
        """Judge the repos."""
        for one in sources:
            if one.problem:
                self._keep(one, Outcome(one.spec, "invalid", one.problem, name=one.spec))
        self._store_arrived()
        jobs = (self._job(one) for one in sources if not one.problem)
        queue = HostQueue(jobs, self._options.per_host)
        while queue or self._engine.in_flight:
            self._fill(queue)
            try:
                for arrival in self._engine.wait(_LOOK_EVERY):
                    self._take(queue, arrival)
            finally:  # the scheduler may be lost after some have arrived
                self._store_arrived()

    def _job(self, source: Source) -> Job:
        """What to do with a repo; a suite takes so long that it is a task of its own."""
        return Job(source, alone=self._options.settings_for(source).level > 0)

    def _fill(self, queue: HostQueue) -> None:
        while self._engine.has_room:
            most = self._pace.size(len(queue), self._engine.threads)
            batch = queue.take(time.time(), most)
            if not batch:
                return
            self._engine.submit([(job, self._task(job)) for job in batch])

    def _task(self, job: Job) -> Task:
        options, spec = self._options, job.source.spec
        settings = options.settings_for(job.source)
        known = self._known.get((spec, settings.key))
        shas = () if known is None or job.shard is not None else (known[0],)
        return Task(spec, shas, settings, options.bounds, options.offline, job.shard)

    def _take(self, queue: HostQueue, arrival: Arrival) -> None:
        """Keep outcomes, and put back into the queue what is still to do."""
        for job, outcome in arrival.outcomes:
            self._pace.add(outcome)
            self._take_outcome(queue, job, outcome)
        queue.add_first(arrival.left)
        queue.add_first(replace(job, alone=True) for job in arrival.lost)
        if arrival.ended:
            queue.finish(arrival.host)

    def _take_outcome(self, queue: HostQueue, job: Job, outcome: Outcome) -> None:
        """Keep an outcome; if the host limits the rate, leave the host alone and try again."""
        until = self._end_of_limit(job, outcome)
        if until is not None:
            if job.host not in queue.closed_hosts(time.time()):
                self._watcher.wait(job.host, until)
            queue.close_host(job.host, until)
            queue.add_first([job])
            return
        if job.shard is None and outcome.shards:
            queue.add_first(self._shards.split(job, outcome))
            return
        settings = self._options.settings_for(job.source)
        whole = outcome if job.shard is None else self._shards.join(job, outcome, settings)
        if whole is not None:
            self._keep(job.source, whole)

    def _end_of_limit(self, job: Job, outcome: Outcome) -> float | None:
        """When to try again, None if an outcome is final."""
        if outcome.state != "rate limited":
            return None
        waits = self._waits[job] = self._waits.get(job, 0) + 1
        until = outcome.retry_at or time.time() + _UNKNOWN_WAIT
        is_soon = until - time.time() <= limits.RATE_LIMIT_SECONDS.most
        return until if is_soon and waits <= _MOST_WAITS else None

    def _keep(self, source: Source, outcome: Outcome) -> None:
        settings = self._options.settings_for(source).key
        is_known = outcome.state == "unchanged"
        commit = self._known[source.spec, settings][1] if is_known else None
        run, started = self._progress.run, self._progress.started
        self._arrived.append(Entry(run, started, source, outcome, settings, commit))

    def _store_arrived(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._store.add(arrived)
        if arrived:
            self._watcher.store(len(arrived))
