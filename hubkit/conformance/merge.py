"""Merge the reports of shards that ran in parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from hubkit.errors import UsageError
from hubkit.facts import ANOTHER_SHARD, CaseResult, Unexercised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hubkit.facts import CheckResult, ConformanceReport

# The worst outcome counts: checks of the repo as a whole may run in several shards.
_WORST_FIRST = ("failed", "skipped", "unsupported", "expected", "passed", "inapplicable")

_DIGITS = 6  # of the number of shards


def merge_reports(reports: Sequence[ConformanceReport], *, some: bool = False) -> ConformanceReport:
    """Merge the reports of all shards of a run.

    Args:
        reports: A report of each shard, or the single report of a run without shards.
        some: Whether shards may be missing.

    Raises:
        UsageError: Their commits or settings differ, or a shard is missing or duplicate.
    """
    first, *others = reports
    if not others:
        return first
    for other in others:
        _require_same(first, other)
    if not some:
        _require_all(reports)
    labels = dict.fromkeys(one.label for report in reports for one in report.cases)
    found: dict[str, list[CaseResult]] = {label: [] for label in labels}
    for report in reports:
        for case in report.cases:
            found[case.label].append(case)
    known = [one.uncommitted for one in reports if one.uncommitted is not None]
    return structs.replace(
        first,
        created=max(one.created for one in reports),
        uncommitted=max(known) if known else None,
        digest=next((one.digest for one in reports if one.digest), ""),
        environment=_merge_tables(one.environment for one in reports),
        policy={**first.policy, "shard": None},
        whole=_merge_cases([one.whole for one in reports]),
        lint=min((one.lint for one in reports if one.lint), default=""),  # "failed" before "passed"
        cases=tuple(map(_merge_cases, found.values())),
        findings=max((one.findings for one in reports), key=len),
        interrupted=any(one.interrupted for one in reports),
        summaries={code: text for one in reports for code, text in one.summaries.items()},
    )


def _require_same(first: ConformanceReport, other: ConformanceReport) -> None:
    """Check that two reports have the same commit and settings."""
    pairs = [("repo", first.repo, other.repo), ("commit", first.commit, other.commit)]
    pairs += [
        (name, str(first.policy.get(name)), str(other.policy.get(name)))
        for name in dict.fromkeys((*first.policy, *other.policy))
        if name != "shard"
    ]
    for name, one, another in pairs:
        if one != another:
            raise UsageError(
                f"The reports are not from the same run: {name} is {one} in one and {another} in "
                "another",
                hint="Merge the reports of shards that ran on one commit with the same options.",
            )


def _require_all(reports: Sequence[ConformanceReport]) -> None:
    """Check that there is one report of each shard."""
    shards = sorted(str(one.policy.get("shard") or "") for one in reports)
    parts = shards[0].rpartition("/")[2]
    count = int(parts) if parts.isdecimal() and len(parts) < _DIGITS else 0
    wanted = [f"{part}/{parts}" for part in range(1, count + 1)]
    if sorted(wanted) == shards:
        return
    missing = ", ".join(one for one in wanted if one not in shards)
    message = f"The reports are of shards {', '.join(shards)}"
    message += missing and f"; {missing} is missing"
    raise UsageError(
        message if count else "The report of a run without shards cannot be merged",
        hint="Pass one report of each shard: --from 1.json --from 2.json for --hubconf-shard=1/2 "
        "and 2/2.",
    )


def _merge_cases(found: Sequence[CaseResult]) -> CaseResult:
    """Merge the results of a case: its own shard has run most of its checks."""
    most = max(found, key=lambda one: len(one.checks))
    checks: dict[str, CheckResult] = {}
    for check in (check for case in found for check in case.checks):
        known = checks.get(check.code)
        if known is None or _rank(check) < _rank(known):
            checks[check.code] = check
    reasons: dict[str, str] = {}
    for one in (one for case in found for one in case.unexercised):
        for code in one.codes:
            if code not in checks and reasons.get(code, ANOTHER_SHARD) == ANOTHER_SHARD:
                reasons[code] = one.reason
    return structs.replace(
        most,
        checks=tuple(checks[code] for code in sorted(checks)),
        unexercised=tuple(
            Unexercised(reason, tuple(code for code in reasons if reasons[code] == reason))
            for reason in dict.fromkeys(reasons.values())
        ),
    )


def _rank(check: CheckResult) -> int:
    return _WORST_FIRST.index(check.outcome)


def _merge_tables(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """One value per key, or all of them if they differ."""
    values: dict[str, dict[str, None]] = {}
    for table in tables:
        for name, value in table.items():
            values.setdefault(name, {})[value] = None
    return {name: ", ".join(different) for name, different in values.items()}
