"""Several runs of the suite side by side: what tells them apart, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit.conformance.merge import merge_reports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.facts import CaseResult, CheckResult, ConformanceReport

_SHORT = 12  # digits of a commit
_FINE = ("passed", "expected", "inapplicable")
NOT_RUN = "not run"


class Change(Struct, frozen=True):
    """Something that is not the same in all runs: the outcome of a check, or an entrypoint.

    Attributes:
        label: The entrypoint; "" for the repo as a whole.
        code: The check; "" for something else that has changed.
        name: Its name, "entrypoint" or "parameters", which is their number.
        outcomes: Its outcome in each run; "not run" where it did not run. For an entrypoint that
            some runs did not check, "checked", "not run" or "not there".
        kind: How the last run compares to the first one in which it ran.
    """

    label: str
    code: str
    name: str
    outcomes: tuple[str, ...]
    kind: Literal["worse", "better", "other"]


def group_runs(reports: Sequence[ConformanceReport]) -> tuple[ConformanceReport, ...]:
    """One report for each run: reports of shards are merged, others are runs of their own.

    Args:
        reports: Reports of whole runs, or of all shards of one.

    Raises:
        UsageError: The shards do not belong together, or one is missing.
    """
    if any(one.policy.get("shard") for one in reports):
        return (merge_reports(reports),)
    return tuple(reports)


def name_runs(runs: Sequence[ConformanceReport]) -> tuple[str, ...]:
    """A name for each run that says what differs from the others, such as "torch 2.9.0"."""
    tables = [_traits(one) for one in runs]
    keys = [key for key in tables[0] if len({table.get(key) for table in tables}) > 1]
    names = [", ".join(filter(None, (table.get(key) for key in keys))) for table in tables]
    if len({*names}) < len(names):
        names = [f"{number}: {name or one.created}" for number, (name, one) in enumerate(zip(names, runs, strict=True), 1)]  # fmt: skip
    return tuple(names)


def _traits(run: ConformanceReport) -> dict[str, str]:
    """What may tell runs apart, with the words for it."""
    commit = run.commit and f"commit {run.commit[:_SHORT]}"
    traits = {"repo": run.repo, "commit": commit}
    names = ("torch", "python", "numpy", "pytest", "platform", "cpus")
    traits |= {name: f"{name} {run.environment[name]}" for name in names if name in run.environment}
    return traits | {"device": f"device {run.policy.get('device')}"}


def cases_by_label(runs: Sequence[ConformanceReport]) -> dict[str, tuple[CaseResult | None, ...]]:
    """The results of each entrypoint in all runs; "" is the repo as a whole."""
    tables = [{one.label: one for one in (run.whole, *run.cases)} for run in runs]
    labels = dict.fromkeys(label for table in tables for label in table)
    return {label: tuple(table.get(label) for table in tables) for label in labels}


def find_changes(runs: Sequence[ConformanceReport]) -> tuple[Change, ...]:
    """What is not the same in all runs: outcomes of checks, entrypoints, numbers of parameters."""
    return tuple(
        change
        for label, cases in cases_by_label(runs).items()
        for change in _changes_of(label, cases)
    )


def _changes_of(label: str, cases: Sequence[CaseResult | None]) -> Iterator[Change]:
    if not all(case and case.checks for case in cases):
        yield from _missing(label, cases)
        return
    counts = tuple(str(case.measured.parameters) for case in cases if case)
    if len({*counts}) > 1:
        yield Change(label, "", "parameters", counts, "other")
    tables = [{one.code: one for one in case.checks} for case in cases if case]
    for code in sorted({code for table in tables for code in table}):
        found = [table.get(code) for table in tables]
        outcomes = tuple(one.outcome if one else NOT_RUN for one in found)
        if len({*outcomes}) > 1:
            name = next(one.name for one in found if one)
            yield Change(label, code, name, outcomes, _compare(found))


def _missing(label: str, cases: Sequence[CaseResult | None]) -> Iterator[Change]:
    """The change of an entrypoint that some runs did not check."""
    outcomes = tuple(
        "not there" if case is None else "checked" if case.checks else NOT_RUN for case in cases
    )
    if len({*outcomes}) > 1:
        yield Change(label, "", "entrypoint", outcomes, "other")


def _compare(found: Sequence[CheckResult | None]) -> Literal["worse", "better", "other"]:
    """How the last outcome compares to the first one."""
    ran = [one.outcome for one in found if one]
    if found[-1] is None or len(ran) == 1 or (ran[0] in _FINE) == (ran[-1] in _FINE):
        return "other"
    return "better" if ran[-1] in _FINE else "worse"
