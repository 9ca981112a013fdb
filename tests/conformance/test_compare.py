"""Several runs side by side."""

from __future__ import annotations

import pytest
from msgspec import structs

from hubkit.conformance import find_changes, group_runs, name_runs
from hubkit.errors import UsageError
from hubkit.facts import CaseResult, ConformanceReport, Measured
from tests.conformance.test_merge import shard
from tests.conformance.test_report import REPORT, ran


def run(*cases: CaseResult, torch: str = "2.9.0", **changes: object) -> ConformanceReport:
    environment = {**REPORT.environment, "torch": torch}
    return structs.replace(REPORT, cases=cases, environment=environment, **changes)


def net(outcome: str = "passed", *, parameters: int | None = None) -> CaseResult:
    checks = (ran("C104"), ran("C204", outcome))  # type: ignore[arg-type]
    return CaseResult("net", checks=checks, measured=Measured(parameters))


def test_reports_without_shards_are_runs_and_shards_are_one() -> None:
    assert group_runs([REPORT, REPORT]) == (REPORT, REPORT)
    (merged,) = group_runs([shard(1), shard(2)])
    assert merged.policy["shard"] is None
    with pytest.raises(UsageError, match="a run without shards cannot be merged"):
        group_runs([shard(1), shard(2), REPORT])


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([run(), run(torch="2.10.0")], ("torch 2.9.0", "torch 2.10.0")),
        ([run(), run(commit="f" * 40)], ("commit 0123456789ab", "commit ffffffffffff")),
        (
            [run(), run(torch="2.10.0", commit="")],
            ("commit 0123456789ab, torch 2.9.0", "torch 2.10.0"),
        ),
        ([run(), run()], (f"1: {REPORT.created}", f"2: {REPORT.created}")),
        ([run()], ("",)),
    ],
)
def test_runs_are_called_after_what_differs(
    runs: list[ConformanceReport], names: tuple[str, ...]
) -> None:
    assert name_runs(runs) == names


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (net(), net(), []),
        (net(), net("failed"), [("C204", ("passed", "failed"), "worse")]),
        (net("failed"), net("expected"), [("C204", ("failed", "expected"), "better")]),
        (net("unsupported"), net("passed"), [("C204", ("unsupported", "passed"), "better")]),
        (net("failed"), net("skipped"), [("C204", ("failed", "skipped"), "other")]),
        (net("passed"), net("inapplicable"), [("C204", ("passed", "inapplicable"), "other")]),
        (
            net(),
            structs.replace(net(), checks=(ran("C204"),)),
            [("C104", ("passed", "not run"), "other")],
        ),
        (net(), CaseResult("net"), [("", ("checked", "not run"), "other")]),
        (CaseResult("net"), CaseResult("net"), []),
        (net(parameters=7), net(parameters=8), [("", ("7", "8"), "other")]),
    ],
)
def test_changes(before: CaseResult, after: CaseResult, changes: list[object]) -> None:
    found = find_changes([run(before), run(after)])
    assert [(one.code, one.outcomes, one.kind) for one in found] == changes


def test_an_entrypoint_that_came_is_one_change() -> None:
    (change,) = find_changes([run(net()), run(net(), CaseResult("new", checks=(ran("C104"),)))])
    assert (change.label, change.outcomes) == ("new", ("not there", "checked"))
