"""From pytest's reports, and the plan of what was to run, to a conformance report."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

from hubkit.facts import (
    INTERRUPTED,
    NOT_SELECTED,
    CaseResult,
    CheckResult,
    ConformanceReport,
    Measured,
    Unexercised,
)
from pytest_hubkit.checks import all_checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from hubkit.facts import Outcome
    from pytest_hubkit.options import Options
    from pytest_hubkit.session import Conformance

Json = dict[str, Any]
_PACKAGES = ("torch", "numpy", "pytest")


def make_plan(conformance: Conformance) -> Json:
    """Of a hubconf, which required checks are to run on what: as simple as crosses to another process.

    Args:
        conformance: The hubconf, after the selection of tests.
    """
    whole = _plan("repo", conformance.selected, conformance.left_out)
    cases = [
        {
            "entrypoint": one.case.entrypoint,
            "case": one.case.name,
            "kind": one.case.kind,
            **_plan("case", one.selected, one.left_out),
        }
        for one in conformance.known
    ]
    return {"whole": {"entrypoint": "", "case": "", "kind": "", **whole}, "cases": cases}


def _plan(scope: str, selected: set[str], left_out: Mapping[str, str]) -> Json:
    required = [one.code for one in all_checks() if one.required and one.scope == scope]
    missed: dict[str, list[str]] = {}
    for code in required:
        if code not in selected:
            missed.setdefault(left_out.get(code, NOT_SELECTED), []).append(code)
    return {"codes": [code for code in required if code in selected], "missed": missed}


def read_outcome(report: pytest.TestReport, said: Json) -> tuple[Outcome, str]:
    """What became of a check, and why.

    Args:
        report: What pytest reports of it.
        said: What its item said.
    """
    expected = getattr(report, "wasxfail", None)
    if report.failed:
        return "failed", _reason(report)
    if expected is not None and report.skipped:
        return "expected", expected.removeprefix("reason: ").removeprefix("expected: ")
    if not report.skipped:
        return "passed", ""
    if said.get("feature") is False:
        return "unsupported", _reason(report).removeprefix("not supported: ")
    return ("inapplicable" if said.get("applies") is False else "skipped"), _reason(report)


def _reason(report: pytest.TestReport) -> str:
    shown: Any = report.longrepr
    if isinstance(shown, tuple):
        return str(shown[2]).removeprefix("Skipped: ")
    crash = getattr(shown, "reprcrash", None)
    return str(crash.message if crash is not None else shown).strip()


def make_case(plan: Json, results: Mapping[str, Json]) -> CaseResult:
    """What became of one case.

    Args:
        plan: What was to run on it.
        results: By code, what its items said, with "outcome", "reason" and "seconds".
    """
    known = {one.code: one for one in all_checks()}
    checks, seen = [], Json()
    for code in sorted(results):
        one, said = known[code], results[code]
        seen.update(said)
        outcome = (said["outcome"], said["reason"], round(said["seconds"], 4))
        checks.append(CheckResult(code, one.slug, one.level, one.required, *outcome))
    missed = {reason: tuple(codes) for reason, codes in plan["missed"].items()}
    lost = tuple(code for code in plan["codes"] if code not in results)
    if lost:
        missed[INTERRUPTED] = lost
    return CaseResult(
        entrypoint=plan["entrypoint"],
        case=plan["case"],
        kind=plan["kind"],
        call=seen.get("call", ""),
        checks=tuple(checks),
        unexercised=tuple(Unexercised(*one) for one in missed.items()),
        input=seen.get("input", ""),
        provisional=seen.get("provisional", False),
        measured=Measured(**{name: seen.get(name) for name in Measured.__struct_fields__}),
    )


def make_report(
    plan: Json, results: Mapping[str, Mapping[str, Json]], lint: str, options: Options, repo: Json
) -> ConformanceReport:
    """What became of a hubconf.

    Args:
        plan: What `make_plan` gave.
        results: By label ("" for the repo as a whole) and code, what items said.
        lint: What became of the lint item, or "".
        options: How the suite ran.
        repo: What the report says of the repo: "repo", "commit", "uncommitted", "digest".
    """
    whole = make_case(plan["whole"], results.get("", {}))
    cases = tuple(make_case(one, results.get(_label(one), {})) for one in plan["cases"])
    return ConformanceReport(
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        environment=_environment(),
        policy=_policy(options),
        whole=whole,
        lint="failed" if lint == "failed" else "passed" if lint == "passed" else "",
        cases=cases,
        interrupted=any(
            missed.reason == INTERRUPTED for one in (whole, *cases) for missed in one.unexercised
        ),
        **repo,
    )


def _label(plan: Json) -> str:
    return CaseResult(plan["entrypoint"], plan["case"]).label


def _environment() -> dict[str, str]:
    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _version(name: str) -> str:
    # Of torch's modules none tells without being imported, which takes seconds.
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _policy(options: Options) -> Json:
    selection = options.selection
    part, parts = selection.shard
    return {
        "network": options.network,
        "loopback": options.loopback,
        "device": options.device,
        "level": selection.level,
        "select": list(selection.select),
        "ignore": list(selection.ignore),
        "slow": selection.slow,
        "all": selection.everything,
        "shard": f"{part}/{parts}" if parts > 1 else None,
    }
