"""Fixes are computed for reported findings only, and only if they are asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import Config
from hubkit.facts import Edit, Finding, Fix, Location
from hubkit.lint import lint_repo
from hubkit.rules import Rule, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import RepoFacts, Report

LINES = (1, 2, 3)


def make_rule(computed: list[int], crash: type[Exception] | None = None) -> Rule:
    def compute(line: int) -> Fix:
        computed.append(line)
        if crash is not None:
            raise crash("no such edit")
        return Fix("do it", "safe", (Edit(Location("hubconf.py", line, 1, line, 1), "x"),))

    @rule("HUB999", "fixable", "warning", fixable="always", applicability="safe")
    def fixable(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001
        """Has a fix."""
        for line in LINES:
            place = Location("hubconf.py", line, 1, line, 2)
            yield fixable.finding("fix me", place, fix=partial(compute, line))

    return fixable


def lint(folder: Path, one: Rule, *, with_fixes: bool) -> Report:
    (folder / "hubconf.py").write_text(
        "a = 1\nb = 2  # hubkit: ignore[HUB999] a reason\nc = 3\n", "utf-8"
    )
    config = Config(select=("HUB999",))
    return lint_repo(read_repo(folder), config, (one,), with_fixes=with_fixes)


@pytest.mark.parametrize(("with_fixes", "expected"), [(False, []), (True, [1, 3])])
def test_fixes_of_reported_findings_are_computed_on_demand(
    tmp_path: Path, with_fixes: bool, expected: list[int]
) -> None:
    computed: list[int] = []
    report = lint(tmp_path, make_rule(computed), with_fixes=with_fixes)
    assert computed == expected
    assert [one.location.line for one in report.findings if one.location] == [1, 3]
    assert [one.fix is not None for one in report.findings] == [with_fixes] * 2
    assert {type(one) for one in report.findings} == {Finding}
    assert [type(one.finding) for one in report.suppressed] == [Finding]


def test_a_fix_that_crashes_hides_no_finding(tmp_path: Path) -> None:
    report = lint(tmp_path, make_rule([], KeyError), with_fixes=True)
    assert [one.code for one in report.findings].count("HUB999") == 2
    assert {one.code for one in report.crashes} == {"HUB900"}
    assert report.exit_code == 2
