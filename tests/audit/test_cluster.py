"""``hubkit audit`` on a running cluster: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.audit.kills import kill_schedulers, kill_workers

if TYPE_CHECKING:
    from tests.audit.hub import Hub

pytestmark = pytest.mark.slow


def test_killed_workers_cost_nothing(hub: Hub) -> None:
    kill_workers(hub, 2, random.Random(7))


def test_a_killed_scheduler_loses_only_what_was_in_flight(hub: Hub) -> None:
    kill_schedulers(hub, 1, random.Random(7))


def test_a_scheduler_that_does_not_answer_is_an_error(hub: Hub) -> None:
    hub.host.stop()
    summary = hub.audit("acme/good", "--scheduler", f"tcp://127.0.0.1:{hub.host.port}", code=2)
    assert "Cannot connect to the scheduler" in summary["stderr"]
