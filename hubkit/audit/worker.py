"""What a Dask worker does with a batch: hand its repos to a judge, a process of its own.

Each thread of a worker keeps one judge, which has imported hubkit once. A judge that crashed, hung
or ran out of memory is replaced, and the repo gets a second try.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit import __version__
from hubkit._util.child_server import ChildServer, Resources
from hubkit._util.process import ChildDiskError, ChildError, ChildMemoryError, ChildTimeoutError
from hubkit.audit.messages import (
    Batch,
    Outcome,
    Report,
    State,
    Task,
    decode_batch,
    decode_outcome,
    encode,
)
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 2
_JUDGE = "hubkit.audit.judge:serve"
_judges: dict[int, tuple[Resources, ChildServer]] = {}  # by thread
_works: set[_Work] = set()
_lock = threading.Lock()


def run(request: bytes, publish: Callable[[str, bytes], object]) -> bytes:
    """Judge the repos of an encoded batch; return an encoded report.

    What came of a repo is reported at once, so that it is kept whatever becomes of the batch. If a
    batch takes too long because of one repo, the repos after it are handed back.

    Args:
        request: The batch.
        publish: Sends a report to a topic while the batch runs.

    Raises:
        UsageError: The batch comes from another version of hubkit.
    """
    batch = decode_batch(request)
    version = batch.tasks[0].settings.hubkit
    if version != __version__:
        raise UsageError(
            f"The worker {socket.gethostname()} has hubkit {__version__}, but the audit {version}",
            hint="Install the same version on all workers.",
        )
    return encode(_Work(batch, publish).do())


class _Work:
    """A batch, and what has come of it."""

    def __init__(self, batch: Batch, publish: Callable[[str, bytes], object]) -> None:
        self._batch = batch
        self._publish = publish
        self._left = deque(batch.tasks)
        self._outcomes: list[Outcome] = []
        self._running = ""
        self._is_stopped = False
        self._lock = threading.Lock()

    def do(self) -> Report:
        """Judge one repo after the other, until the host limits the rate."""
        timer = threading.Timer(self._batch.seconds, self._hand_back)
        timer.daemon = True
        if len(self._left) > 1:
            timer.start()
        with _lock:
            _works.add(self)
        try:
            while (task := self._next()) is not None:
                self._add(self._judge(task))
        finally:
            timer.cancel()
            with _lock:
                _works.discard(self)
        return Report(self._batch.name, tuple(self._outcomes))

    def stop(self) -> None:
        """Judge nothing more: the judges are ended."""
        with self._lock:
            self._left.clear()
            self._is_stopped = True

    def _next(self) -> Task | None:
        with self._lock:
            task = self._left.popleft() if self._left else None
            self._running = task.spec if task else ""
            return task

    def _judge(self, task: Task) -> Outcome:
        """Judge a repo, in at most two tries."""
        try:
            return _ask_judge(task)
        except ChildError as error:
            if self._is_stopped:
                return _failed(task, error)
        try:
            return replace(_ask_judge(task), attempts=ATTEMPTS)
        except ChildError as error:
            return _failed(task, error)

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            self._running = ""
            if outcome.state == "rate limited":
                self._left.clear()
        if len(self._batch.tasks) > 1:
            self._report(outcome)
        else:
            self._outcomes.append(outcome)

    def _hand_back(self) -> None:
        with self._lock:
            self._left.clear()
            if self._running:
                self._report(running=self._running)

    def _report(self, *outcomes: Outcome, running: str = "") -> None:
        report = Report(self._batch.name, outcomes, running)
        self._publish(self._batch.topic, encode(report))


def close_judges() -> None:
    """End all judges of this process, and the batches that they work on."""
    with _lock:
        for work in _works:
            work.stop()
        for _, judge in _judges.values():
            judge.close()
        _judges.clear()


def _ask_judge(task: Task) -> Outcome:
    bounds = task.bounds
    seconds = bounds.total_seconds(len(task.settings.matrix))
    judge = _find_judge(Resources(seconds, bounds.memory, bounds.disk))
    try:
        reply = judge.call(encode(task))
    except ChildError:
        _close_judge()
        raise
    if judge.is_leaving:
        _close_judge()
    return decode_outcome(reply)


def _find_judge(resources: Resources) -> ChildServer:
    thread = threading.get_ident()
    with _lock:
        found = _judges.get(thread)
        if found is not None and found[0] == resources:
            return found[1]
    _close_judge()
    judge = ChildServer(_JUDGE, resources)
    with _lock:
        _judges[thread] = resources, judge
    return judge


def _close_judge() -> None:
    with _lock:
        found = _judges.pop(threading.get_ident(), None)
    if found is not None:
        with contextlib.suppress(OSError):
            found[1].close()


def _failed(task: Task, error: ChildError) -> Outcome:
    state: State = "crashed"
    if isinstance(error, ChildTimeoutError):
        state = "timed out"
    elif isinstance(error, ChildMemoryError):
        state = "out of memory"
    elif isinstance(error, ChildDiskError):
        state = "out of disk"
    last = error.output.rpartition("\n")[2]
    reason = f"{error.reason}{f': {last}' if last else ''}"
    worker = socket.gethostname()
    return Outcome(task.spec, state, reason, name=task.spec, attempts=ATTEMPTS, worker=worker)
