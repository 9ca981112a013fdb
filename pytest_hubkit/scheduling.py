"""Distribute entrypoints over xdist's workers, as ``pytest --hubconf -n auto`` does by default.

All checks of a case run in one worker, which builds it once. Which worker that is follows from the
number of the case, so that the child processes of a worker load its own cases only.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_HUBCONF = "hubconf.py"
_THREADS = "OMP_NUM_THREADS"


class HubconfScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Sends each case to its worker, and other tests to the first one that is free."""

    _owners: dict[str, int] | None = None

    def _split_scope(self, nodeid: str) -> str:
        """The case of a check; the hubconf for checks of the repo as a whole; any other test."""
        path, *names = nodeid.split("::")
        if path.rpartition("/")[2] != _HUBCONF:
            return nodeid
        return "::".join((path, *names[:-1]))

    def _find_owners(self) -> dict[str, int]:
        """The worker of each case, by the order of its items: see `owner_of`."""
        if self._owners is None:
            scopes = dict.fromkeys(map(self._split_scope, self.collection or ()))
            cases = [one for one in scopes if _HUBCONF + "::" in one and one.count("::") == 1]
            paths = dict.fromkeys(one.partition("::")[0] for one in cases)
            # Checks of the repo need all cases in a child process: the first worker loads them.
            self._owners = dict.fromkeys(paths, 0) | {
                one: owner_of(number, self.numnodes)
                for path in paths
                for number, one in enumerate(case for case in cases if case.startswith(f"{path}::"))
            }
        return self._owners

    def _find_unit(self, node: WorkerController) -> str | None:
        """The next scope in the queue for a worker; None if all that is left is for others."""
        owners = self._find_owners()
        here = {worker_number(one.gateway.id, self.numnodes) for one in self.nodes
                if not one.shutting_down}  # fmt: skip
        own = worker_number(node.gateway.id, self.numnodes)
        found: str | None = next(
            (
                one
                for one in self.workqueue
                if owners.get(one, own) == own or owners[one] not in here
            ),
            None,
        )
        return found

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = self._find_unit(node)
        if scope is not None:
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if not node.shutting_down and self._find_unit(node) is None:
            node.shutdown()
            return
        super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Remove a worker; the checks that it has not run, but for the one that crashed it, remain.

        Args:
            node: The worker.
        """
        workload = self.assigned_work.pop(node)
        left = [(unit, one) for unit in workload.values() for one, done in unit.items() if not done]
        if not left:
            return None
        crashed: str
        unit, crashed = left[0]
        unit[crashed] = True
        self.workqueue.update(
            {scope: unit for scope, unit in workload.items() if not all(unit.values())}
        )
        for other in self.nodes:
            self._reschedule(other)
        return crashed


def owner_of(number: int, workers: int) -> int:
    """The number of the worker that runs a case.

    Args:
        number: Index of the case among those that run.
        workers: How many workers there are.
    """
    return number % workers


def worker_number(name: str, workers: int) -> int:
    """The number of a worker; one that replaces a crashed worker shares its number with another.

    Args:
        name: Its name, such as "gw1".
        workers: How many workers there are.
    """
    return int(name.removeprefix("gw")) % workers


def read_share(workerinput: dict[str, Any]) -> tuple[int, int]:
    """Which worker this is, and of how many.

    Args:
        workerinput: What xdist sent to it.
    """
    workers = int(workerinput["workercount"])
    return worker_number(workerinput["workerid"], workers), workers


def share_cores(workers: int) -> None:
    """Let torch in this worker, and in its child processes, compute on its part of the cores only.

    Otherwise each takes all of them, and they spend most of the time waiting for one another. What
    the user has set stays.

    Args:
        workers: How many workers there are.
    """
    if _THREADS in os.environ:
        return
    part = max(1, count_cores() // workers)
    os.environ[_THREADS] = str(part)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(part)


def count_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
