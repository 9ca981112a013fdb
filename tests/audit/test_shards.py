"""Outcomes of shards are joined to one, also if a shard has none."""

from __future__ import annotations

import pytest

from hubkit.audit.messages import Cell, Environment, Outcome, Results, Settings, SuiteRun
from hubkit.audit.shards import Job, Shards
from hubkit.audit.sources import Source

ENVIRONMENT = Environment("key", "", "", (), "venv")
RUN = SuiteRun(ENVIRONMENT, Cell("timed out", "took too long", seconds=2.0))
TIMED_OUT = Outcome("a/b", "checked", runs=(RUN,), seconds={"conform": 2.0}, memory=7)
CRASHED = Outcome("a/b", "crashed", "SIGSEGV", attempts=2)
LIMITED = Outcome("a/b", "rate limited", "later")


@pytest.mark.parametrize(
    ("parts", "state", "cell"),
    [
        ((TIMED_OUT, TIMED_OUT), "checked", ("timed out", "shard 1 of 2: took too long")),
        ((CRASHED, TIMED_OUT), "checked", ("crashed", "shard 1 of 2: SIGSEGV")),
        ((CRASHED, CRASHED), "crashed", None),
        ((TIMED_OUT, LIMITED), "rate limited", None),
    ],
)
def test_shards_without_a_report(
    parts: tuple[Outcome, ...], state: str, cell: tuple[str, str] | None
) -> None:
    results = Results(0, "", False, ("torch",), (), ())
    whole = Outcome("a/b", "checked", sha="f00", results=results, shards=2, seconds={"check": 1.0})
    shards = Shards()
    jobs = shards.split(Job(Source("a/b", "host")), whole)
    assert [str(job.shard) for job in jobs] == ["1/2", "2/2"]
    assert {job.shard.sha for job in jobs if job.shard} == {"f00"}
    last = None
    for job, part in reversed([*zip(jobs, parts, strict=True)]):
        assert last is None
        last = shards.join(job, part, Settings(level=1))
    assert last is not None
    assert (last.state, last.shards) == (state, 0)
    assert (last.results is None) == (cell is None)
    found = [(one.cell.state, one.cell.reason) for one in last.cells]
    assert found == ([] if cell is None else [cell])
