"""Which reports can be put together, and what is said of those that cannot."""

from __future__ import annotations

import pytest
from msgspec import structs

from hubkit.conformance import merge_reports, render_json
from hubkit.errors import UsageError
from hubkit.facts import ANOTHER_SHARD, CaseResult, ConformanceReport, Unexercised
from tests.conformance.test_report import REPORT, ran


def shard(part: int, parts: int = 2, **changes: object) -> ConformanceReport:
    policy = {**REPORT.policy, "shard": f"{part}/{parts}"}
    return structs.replace(REPORT, policy=policy, **changes)


def test_one_report_is_itself() -> None:
    assert merge_reports([REPORT]) is REPORT


def test_the_worst_counts_and_the_job_that_ran_most_tells_what_was_measured() -> None:
    ours = CaseResult(
        "net", call="net()", checks=(ran("C104"), ran("C201"), ran("C301", "failed", "no"))
    )
    theirs = CaseResult(
        "net", checks=(ran("C104", "failed", "why"),), unexercised=(Unexercised(ANOTHER_SHARD, ("C201", "C301")),)
    )  # fmt: skip
    merged = merge_reports(
        [
            shard(
                1,
                cases=(theirs,),
                lint="",
                uncommitted=None,
                created="2026-01-01",
                summaries={"C104": "one"},
            ),
            shard(
                2,
                cases=(ours,),
                lint="failed",
                environment={"python": "3.13.0"},
                summaries={"C201": "two"},
            ),
        ]
    )
    (net,) = merged.cases
    assert {check.code: check.outcome for check in net.checks} == {
        "C104": "failed", "C201": "passed", "C301": "failed",
    }  # fmt: skip
    assert (net.call, net.unexercised) == ("net()", ())
    assert (merged.lint, merged.uncommitted, merged.created) == ("failed", 2, REPORT.created)
    assert merged.environment["python"] == "3.12.1, 3.13.0"
    assert merged.summaries == {"C104": "one", "C201": "two"}
    assert '"shard": null' in render_json(merged)


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ([shard(1), shard(3, 3)], "The reports are of shards 1/2, 3/3"),
        ([shard(1, 3), shard(3, 3)], "The reports are of shards 1/3, 3/3; 2/3 is missing"),
        ([shard(1), shard(1)], "The reports are of shards 1/2, 1/2; 2/2 is missing"),
        ([REPORT, REPORT], "The report of a run without shards cannot be merged"),
        (
            [shard(1), structs.replace(REPORT, policy={**REPORT.policy, "shard": "x/y"})],
            "shards 1/2, x/y; 2/2 is missing",
        ),
        ([REPORT, shard(2)], "The report of a run without shards cannot be merged"),
        ([shard(1), shard(2, commit="ffff")], "not from the same run: commit is 0123"),
        ([shard(1), shard(2, repo="other/one")], "repo is acme/shapes in one and other/one in"),
        (
            [shard(1), structs.replace(shard(2), policy={**shard(2).policy, "level": 2})],
            "level is 3 in one and 2 in another",
        ),
    ],
)
def test_reports_that_do_not_belong_together(reports: list[ConformanceReport], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        merge_reports(reports)
