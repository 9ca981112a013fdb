"""Dask: start workers on this machine or use a running cluster, and let them judge repos."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import queue
import time
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import plural
from hubkit.audit import worker
from hubkit.audit.messages import Outcome, decode_outcome, encode
from hubkit.errors import HubkitError, MissingExtraError, SchedulerLostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_PER_THREAD = 2  # tasks in flight: one that runs, and one that waits at the worker
_COUNT_EVERY = 5.0  # seconds


class EngineOptions(Struct, frozen=True):
    """Where repos are judged.

    Attributes:
        scheduler: Address of the scheduler of a running cluster; empty for this machine.
        workers: How many repos to judge at once on this machine; 0 for one per processor.
    """

    scheduler: str = ""
    workers: int = 0


class Engine:
    """An open connection to a cluster; use `open_engine`.

    Attributes:
        dashboard: The address of Dask's dashboard; empty if there is none.
    """

    def __init__(self, client: distributed.Client, dashboard: str) -> None:
        self._client = client
        self.dashboard = dashboard
        self._ended: queue.SimpleQueue[distributed.Future] = queue.SimpleQueue()
        self._jobs: dict[str, Job] = {}
        self._threads = self._count_threads()
        self._counted = time.monotonic()

    @property
    def in_flight(self) -> int:
        """How many tasks were submitted and have not ended."""
        return len(self._jobs)

    @property
    def threads(self) -> int:
        """How many repos the workers judge at once."""
        if time.monotonic() - self._counted > _COUNT_EVERY:
            self._threads, self._counted = self._count_threads(), time.monotonic()
        return self._threads

    @property
    def has_room(self) -> bool:
        """Whether to submit another task. Few are in flight, so that memory stays flat."""
        return self.in_flight < _PER_THREAD * max(self.threads, 1)

    def submit(self, job: Job, task: Task) -> None:
        """Let a worker judge a repo.

        Raises:
            SchedulerLostError: There is no connection.
        """
        try:
            future = self._client.submit(worker.run, encode(task), pure=False)
        except Exception as error:
            raise self._lost() from error
        self._jobs[future.key] = job
        future.add_done_callback(self._ended.put)

    def wait(self, seconds: float) -> Iterator[tuple[Job, Outcome]]:
        """The outcomes that are there, after waiting for the first one.

        Raises:
            SchedulerLostError: The connection was lost.
            HubkitError: A worker cannot judge repos at all.
        """
        with contextlib.suppress(queue.Empty):
            future = self._ended.get(timeout=seconds)
            while True:
                job = self._jobs.pop(future.key)
                yield job, self._outcome(job, future)
                future = self._ended.get_nowait()

    def _outcome(self, job: Job, future: distributed.Future) -> Outcome:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        if future.status == "cancelled":
            raise self._lost()
        try:
            return decode_outcome(future.result())
        except KilledWorker as error:
            spec = job.source.spec
            return Outcome(spec, "crashed", _describe(error), name=spec)
        except HubkitError:
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
            yield Engine(client, f"http://{_LOOPBACK}:{port}/status" if port else "")
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
        yield Engine(client, _find_dashboard(client))


def _find_dashboard(client: distributed.Client) -> str:
    """The address of a cluster's dashboard; without bokeh, its page says only that it is missing."""
    try:
        client.run_on_scheduler(importlib.metadata.version, "bokeh")
    except importlib.metadata.PackageNotFoundError:
        return ""
    has_one = "dashboard" in client.scheduler_info()["services"]
    return str(client.dashboard_link) if has_one else ""
