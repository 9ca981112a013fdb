"""``hubkit audit`` on a running cluster: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from hubkit.audit.engine import EngineOptions, open_engine
from tests.audit.kills import kill_schedulers, kill_workers

if TYPE_CHECKING:
    from tests.audit.hub import Hub

pytestmark = pytest.mark.slow


def test_killed_workers_cost_nothing(hub: Hub) -> None:
    kill_workers(hub, 1, random.Random(7))


def test_a_killed_scheduler_loses_only_what_was_in_flight(hub: Hub) -> None:
    kill_schedulers(hub, 1, random.Random(7))


def test_a_scheduler_that_does_not_answer_is_an_error(hub: Hub) -> None:
    import dask

    hub.host.stop()
    address = f"tcp://127.0.0.1:{hub.host.port}"
    with dask.config.set({"distributed.comm.timeouts.connect": "500ms"}):
        summary = hub.audit("acme/good", "--scheduler", address, code=2)
    assert "Cannot connect to the scheduler" in summary["stderr"]


def test_what_is_started_here_listens_to_this_machine_alone() -> None:
    with open_engine(EngineOptions(workers=1)) as engine:
        server = engine._client.cluster.scheduler.http_server
        assert {one.getsockname()[0] for one in server._sockets.values()} == {"127.0.0.1"}
