"""``hubkit audit`` on a running cluster: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from hubkit.audit.engine import EngineOptions, open_engine
from tests.audit.cluster import PATIENCE, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.audit.conftest import Hub

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(hub: Hub) -> Iterator[Cluster]:
    cluster = Cluster(hub.folder)
    yield cluster
    cluster.close()


def test_killed_workers_cost_nothing_and_a_killed_scheduler_loses_nothing(
    hub: Hub, cluster: Cluster
) -> None:
    first = cluster.add_worker()
    cluster.add_worker()
    repos = hub.copies(24)
    hub.host.gate = lambda _: time.sleep(0.05)
    options = (*repos, "--scheduler", cluster.address)
    with hub.start(*options) as process:
        assert hub.host.wait_until(lambda some: sum("zip" in one.path for one in some) > 5)
        first.send_signal(signal.SIGKILL)
        assert hub.host.wait_until(lambda some: sum("zip" in one.path for one in some) > 12)
        cluster.scheduler.kill()
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "was lost" in stderr
    assert hub.recover() >= 5

    hub.host.gate = None
    summary = hub.audit(*repos, code=0)
    assert (summary["run"], summary["states"]) == (1, {"checked": 24})
    assert hub.query("SELECT count(*), count(DISTINCT spec) FROM commits") == [(24, 24)]


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
