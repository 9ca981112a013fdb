"""What a Dask worker does with a task: hand it to a judge, a process of its own.

Each thread of a worker keeps one judge, which has imported hubkit once. A judge that crashed, hung
or ran out of memory is replaced, and the repo gets a second try.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from msgspec.structs import replace

from hubkit import __version__
from hubkit._util.child_server import ChildServer, Resources
from hubkit._util.process import ChildDiskError, ChildError, ChildMemoryError, ChildTimeoutError
from hubkit.audit.messages import Outcome, State, Task, decode_outcome, decode_task, encode
from hubkit.errors import UsageError

ATTEMPTS = 2
_JUDGE = "hubkit.audit.judge:serve"
_judges: dict[int, tuple[Resources, ChildServer]] = {}  # by thread
_lock = threading.Lock()


def run(request: bytes) -> bytes:
    """Judge the repo of an encoded task, in at most two tries; return an encoded outcome.

    Raises:
        UsageError: The task comes from another version of hubkit.
    """
    task = decode_task(request)
    if task.settings.hubkit != __version__:
        raise UsageError(
            f"The worker {socket.gethostname()} has hubkit {__version__},"
            f" but the audit {task.settings.hubkit}",
            hint="Install the same version on all workers.",
        )
    try:
        return _ask_judge(task, request)
    except ChildError:
        pass
    try:
        return encode(replace(decode_outcome(_ask_judge(task, request)), attempts=ATTEMPTS))
    except ChildError as error:
        return encode(_failed(task, error))


def close_judges() -> None:
    """End all judges of this process."""
    with _lock:
        for _, judge in _judges.values():
            judge.close()
        _judges.clear()


def _ask_judge(task: Task, request: bytes) -> bytes:
    bounds = task.bounds
    seconds = bounds.total_seconds(len(task.settings.matrix))
    judge = _find_judge(Resources(seconds, bounds.memory, bounds.disk))
    try:
        reply = judge.call(request)
    except ChildError:
        _close_judge()
        raise
    if judge.is_leaving:
        _close_judge()
    return reply


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
