"""Dask: start workers on this machine or use a running cluster, and let them judge repos."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import queue
import time
import uuid
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit._util.text import plural
from hubkit.audit import worker
from hubkit.audit.messages import Batch, Outcome, Report, decode_report, encode
from hubkit.errors import HubkitError, MissingExtraError, SchedulerLostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import distributed

    from hubkit.audit.messages import Task
    from hubkit.audit.shards import Job

_LOOPBACK = "127.0.0.1"
_WORKERS_SECONDS = 120
# Less of what a cluster does all the time, and what takes time from repos in the same process.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "200ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.work-stealing": False,  # there is one worker
}
_PER_THREAD = 2  # batches in flight: one that runs, and one that waits at the worker
_SOON = 1.0  # seconds after which what is left of a batch is handed back
_ALL = "all"  # Dask's own topic
_COUNT_EVERY = 5.0  # seconds


class EngineOptions(Struct, frozen=True):
    """Where repos are judged.

    Attributes:
        scheduler: Address of the scheduler of a running cluster; empty for this machine.
        workers: How many repos to judge at once on this machine; 0 for one per processor.
    """

    scheduler: str = ""
    workers: int = 0


class Arrival(Struct, frozen=True):
    """What has arrived of a batch.

    Attributes:
        outcomes: What came of its jobs.
        left: Jobs that were not tried.
        lost: Jobs that were lost with their worker.
        ended: Whether nothing more will arrive.
        host: The host of the batch.
    """

    outcomes: tuple[tuple[Job, Outcome], ...] = ()
    left: tuple[Job, ...] = ()
    lost: tuple[Job, ...] = ()
    ended: bool = False
    host: str = ""


class _Flight(Struct):
    """A batch that was submitted.

    Attributes:
        future: That of its Dask task.
        jobs: Those whose outcomes have not arrived, by the spec of the repo.
        host: Their host.
        is_single: Whether it had one job from the start.
    """

    future: distributed.Future
    jobs: dict[str, Job]
    host: str
    is_single: bool

    def take(self, report: Report) -> tuple[tuple[Job, Outcome], ...]:
        """The outcomes of a report, each with its job, which is done."""
        return tuple(
            (self.jobs.pop(one.spec), one) for one in report.outcomes if one.spec in self.jobs
        )

    def give_back(self, kept: str = "") -> tuple[Job, ...]:
        """Take out the jobs that are left, except for one."""
        specs = [spec for spec in self.jobs if spec != kept]
        return tuple(self.jobs.pop(spec) for spec in specs)


class Engine:
    """An open connection to a cluster; use `open_engine`.

    Attributes:
        dashboard: The address of Dask's dashboard; empty if there is none.
    """

    def __init__(self, client: distributed.Client, dashboard: str) -> None:
        self._client = client
        self.dashboard = dashboard
        # Futures that ended, reports, and keys of the tasks that a dead worker had.
        self._heard: queue.SimpleQueue[distributed.Future | Report | frozenset[str]] = (
            queue.SimpleQueue()
        )
        self._flights: dict[str, _Flight] = {}
        self._topic = f"hubkit-audit-{uuid.uuid4().hex}"
        client.subscribe_topic(self._topic, self._hear_report)
        client.subscribe_topic(_ALL, self._hear_death)
        self._threads = self._count_threads()
        self._counted = time.monotonic()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        """Hear nothing more: the scheduler logs what it cannot send to who has left."""
        for topic in (self._topic, _ALL):
            with contextlib.suppress(Exception):  # the connection may be lost
                self._client.unsubscribe_topic(topic)

    @property
    def in_flight(self) -> int:
        """How many batches were submitted and have not ended."""
        return len(self._flights)

    @property
    def threads(self) -> int:
        """How many repos the workers judge at once."""
        if time.monotonic() - self._counted > _COUNT_EVERY:
            self._threads, self._counted = self._count_threads(), time.monotonic()
        return self._threads

    @property
    def has_room(self) -> bool:
        """Whether to submit another batch. Few are in flight, so that memory stays flat."""
        return self.in_flight < _PER_THREAD * max(self.threads, 1)

    def submit(self, batch: Sequence[tuple[Job, Task]]) -> None:
        """Let a worker judge repos of one host, one after the other.

        Raises:
            SchedulerLostError: There is no connection.
        """
        name = f"audit-{uuid.uuid4().hex}"
        tasks = tuple(task for _, task in batch)
        try:
            future = self._client.submit(
                _run, encode(Batch(name, tasks, self._topic, _SOON)), key=name, pure=False
            )
        except Exception as error:
            raise self._lost() from error
        jobs = {job.source.spec: job for job, _ in batch}
        self._flights[name] = _Flight(future, jobs, batch[0][0].host, len(batch) == 1)
        future.add_done_callback(self._heard.put)

    def wait(self, seconds: float) -> Iterator[Arrival]:
        """What has arrived, after waiting for the first of it.

        Raises:
            SchedulerLostError: The connection was lost.
            HubkitError: A worker cannot judge repos at all.
        """
        with contextlib.suppress(queue.Empty):
            heard = self._heard.get(timeout=seconds)
            while True:
                try:
                    yield from self._find_arrivals(heard)
                except SchedulerLostError:
                    yield from self._find_reported()
                    raise
                heard = self._heard.get_nowait()

    def _hear_report(self, event: tuple[float, bytes]) -> None:
        self._heard.put(decode_report(event[1]))

    def _hear_death(self, event: tuple[float, Any]) -> None:
        """Listen to what the scheduler says of all; Dask tries the tasks of a dead worker again."""
        said = event[1]
        if isinstance(said, dict) and said.get("action") == "remove-worker":
            tasks = () if said.get("expected") else said.get("processing-tasks", ())
            self._heard.put(frozenset(tasks))

    def _find_reported(self) -> Iterator[Arrival]:
        """What was reported before the connection was lost."""
        with contextlib.suppress(queue.Empty):
            while True:
                heard = self._heard.get_nowait()
                if isinstance(heard, Report):
                    yield from self._find_arrivals(heard)

    def _find_arrivals(
        self, heard: distributed.Future | Report | frozenset[str]
    ) -> Iterator[Arrival]:
        if isinstance(heard, frozenset):
            for name in heard:
                flight = self._flights.get(name)
                if flight is not None and not flight.is_single:
                    yield self._call_back(name)
        elif isinstance(heard, Report):
            flight = self._flights.get(heard.batch)
            if flight is not None:
                outcomes = flight.take(heard)
                left = flight.give_back(heard.running) if heard.running else ()
                yield Arrival(outcomes, left, host=flight.host)
        elif heard.key in self._flights:
            yield self._end(heard)

    def _call_back(self, name: str) -> Arrival:
        """End a batch whose worker died; its remaining repos are retried one by one."""
        flight = self._flights.pop(name)
        flight.future.release()
        return Arrival(lost=flight.give_back(), ended=True, host=flight.host)

    def _end(self, future: distributed.Future) -> Arrival:
        from distributed import KilledWorker

        try:
            report = self._result(future)
        except KilledWorker as error:
            flight = self._flights[future.key]
            if not flight.is_single:
                return self._call_back(future.key)
            crashed = (
                Outcome(spec, "crashed", _describe(error), name=spec) for spec in flight.jobs
            )
            report = Report(future.key, tuple(crashed))
        flight = self._flights.pop(future.key)
        outcomes = flight.take(report)
        return Arrival(outcomes, flight.give_back(), ended=True, host=flight.host)

    def _result(self, future: distributed.Future) -> Report:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        if future.status == "cancelled":
            raise self._lost()
        try:
            return decode_report(future.result())
        except (KilledWorker, HubkitError):
            raise
        except ImportError as error:
            raise UsageError(
                f"A worker cannot import hubkit: {error}",
                hint="Install the same version of hubkit, with its extra audit, on all workers.",
            ) from None
        except (CancelledError, CommClosedError) as error:
            raise self._lost() from error
        except Exception as error:
            if self._client.status != "running":
                raise self._lost() from error
            raise

    def _count_threads(self) -> int:
        from distributed.comm import CommClosedError

        try:
            return sum(self._client.nthreads().values())
        except (CommClosedError, TimeoutError) as error:
            raise self._lost() from error

    def _lost(self) -> SchedulerLostError:
        return SchedulerLostError(
            f"The connection to the scheduler {self._client.scheduler.address} was lost.",
            hint="All results so far are kept. Run the same command again to continue.",
        )


def _run(request: bytes) -> bytes:
    """Work on a batch; what a Dask task calls."""
    from distributed import get_worker

    return worker.run(request, get_worker().log_event)


def _describe(error: distributed.KilledWorker) -> str:
    times = plural(int(getattr(error, "allowed_failures", 1)) + 1, "worker")
    return f"{times} died while judging it"


@contextlib.contextmanager
def open_engine(options: EngineOptions) -> Iterator[Engine]:
    """Start workers on this machine, or connect to a cluster; stop what was started.

    Raises:
        MissingExtraError: Dask is not installed.
        UsageError: The scheduler cannot be reached, or has no workers.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "hubkit audit needs Dask, which is not installed.",
            hint='Install the extra "audit" of hubkit, or: pip install distributed duckdb',
        ) from None
    if options.scheduler:
        opened = _connect(options.scheduler)
    else:
        opened = _start(options.workers or os.cpu_count() or 1)
    with opened as engine:
        yield engine


@contextlib.contextmanager
def _start(workers: int) -> Iterator[Engine]:
    """A scheduler and a worker in this process; its threads only wait for judges."""
    import dask
    from distributed import Client, LocalCluster

    has_bokeh = importlib.util.find_spec("bokeh") is not None
    with dask.config.set(_QUIET):
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=workers,
            processes=False,
            memory_limit=None,
            # Without one, its server listens for all machines, on a port that may be taken.
            dashboard_address=f"{_LOOPBACK}:0",
            silence_logs=50,
        )
    with cluster, Client(cluster, set_as_default=False) as client:
        try:
            services = cluster.scheduler_info["services"]
            port = services.get("dashboard") if has_bokeh else None
            with Engine(client, f"http://{_LOOPBACK}:{port}/status" if port else "") as engine:
                yield engine
        finally:
            worker.close_judges()


@contextlib.contextmanager
def _connect(address: str) -> Iterator[Engine]:
    from distributed import Client

    hint = "Check the address, which `dask scheduler` prints. For example: tcp://10.0.0.1:8786"
    try:
        client = Client(address, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"Cannot connect to the scheduler {address}: {reason}", hint=hint
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError:
            raise UsageError(
                f"The scheduler {address} has no workers",
                hint=f"Start some: dask worker {address}",
            ) from None
        with Engine(client, _find_dashboard(client)) as engine:
            yield engine


def _find_dashboard(client: distributed.Client) -> str:
    """The address of a cluster's dashboard; without bokeh, its page says only that it is missing."""
    try:
        client.run_on_scheduler(importlib.metadata.version, "bokeh")
    except importlib.metadata.PackageNotFoundError:
        return ""
    has_one = "dashboard" in client.scheduler_info()["services"]
    return str(client.dashboard_link) if has_one else ""
