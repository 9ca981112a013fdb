"""Collect the results of checks, here or in xdist's workers, and write reports at the end."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct, convert, to_builtins

from hubkit._util.colors import Palette
from hubkit.conformance import read_target, render_table, render_weights, write_report
from hubkit.errors import HubkitError, UsageError
from hubkit.facts import (
    ARCHIVE_CHECK,
    INTERRUPTED,
    NOT_SELECTED,
    WEIGHTS_CHECKS,
    CaseResult,
    CheckFailure,
    CheckResult,
    ConformanceReport,
    EntrypointHelp,
    LintFindings,
    Measured,
    ModuleSize,
    Unexercised,
    WeightsResult,
)
from pytest_hubkit.checks import NotApplicableError, all_checks
from pytest_hubkit.crashes import notes_folder
from pytest_hubkit.entrypoint_help import read_help
from pytest_hubkit.items import CheckItem, HubconfItem, add_links
from pytest_hubkit.options import read_options
from pytest_hubkit.published import find_changes, name_repo, publish, require_commit

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from hubkit.facts import Outcome, RepoFacts
    from pytest_hubkit.case import Plan
    from pytest_hubkit.options import Options


Json = dict[str, Any]
_PACKAGES = ("torch", "numpy", "pytest")
_PASSES = "[XPASS(strict)] expected: "


class CasePlan(Struct, frozen=True):
    """Which required checks run on a case, or on the repo as a whole.

    Attributes:
        entrypoint: The entrypoint; "" for the repo.
        case: The name of the case.
        kind: What the entrypoint returns.
        codes: The checks that run.
        missed: Other required checks, by the reason.
        help: What the source says about the entrypoint.
    """

    entrypoint: str
    case: str
    kind: str
    codes: tuple[str, ...]
    missed: dict[str, tuple[str, ...]]
    help: EntrypointHelp = EntrypointHelp()

    @property
    def label(self) -> str:
        """The label of the case."""
        return CaseResult(self.entrypoint, self.case).label


class LintResult(Struct, frozen=True):
    """The result of the lint item.

    Attributes:
        outcome: Its outcome; "" if it did not run.
        findings: What it found.
    """

    outcome: str = ""
    findings: tuple[LintFindings, ...] = ()


class ReportPlan(Struct, frozen=True):
    """Which required checks run on a hubconf: a worker sends it to the main process.

    Attributes:
        whole: The checks of the repo as a whole.
        cases: The cases.
    """

    whole: CasePlan
    cases: tuple[CasePlan, ...]


def make_report_plan(plan: Plan, facts: RepoFacts) -> ReportPlan:
    """Which required checks run on a hubconf.

    Args:
        plan: Its cases and checks.
        facts: Its source.
    """
    whole = CasePlan("", "", "", *_required("repo", plan.selected, plan.deselected))
    cases = tuple(
        CasePlan(
            one.case.entrypoint,
            one.case.name,
            one.case.kind,
            *_required("case", one.selected, one.deselected),
            read_help(facts, one.case.entrypoint),
        )
        for one in plan.cases
    )
    return ReportPlan(whole, cases)


def _required(
    scope: str, selected: set[str], deselected: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Codes of required checks that run, and of others by the reason."""
    codes = [one.code for one in all_checks() if one.required and one.scope == scope]
    missed: dict[str, tuple[str, ...]] = {}
    for code in codes:
        if code not in selected:
            reason = deselected.get(code, NOT_SELECTED)
            missed[reason] = (*missed.get(reason, ()), code)
    return tuple(code for code in codes if code in selected), missed


def read_outcome(report: pytest.TestReport, record: Json) -> tuple[Outcome, str]:
    """The outcome of a check, and the reason."""
    expected = getattr(report, "wasxfail", None)
    if report.failed:
        return "failed", _reason(report)
    if expected is not None and report.skipped:
        return "expected", expected.removeprefix("reason: ").removeprefix("expected: ")
    if not report.skipped:
        alike = record.get("alike")
        return "passed", f"not tried: {alike}, which has the same design, passes" if alike else ""
    if record.get("feature") is False:
        return "unsupported", _reason(report).removeprefix("not supported: ")
    return ("inapplicable" if record.get("applies") is False else "skipped"), _reason(report)


def _reason(report: pytest.TestReport) -> str:
    shown: Any = report.longrepr
    if isinstance(shown, tuple):
        return str(shown[2]).removeprefix("Skipped: ")
    crash = getattr(shown, "reprcrash", None)
    reason = str(crash.message if crash is not None else shown).strip()
    if reason.startswith(_PASSES):
        expected = reason.removeprefix(_PASSES)
        return f"it passes; remove it from `expected`, where the reason is: {expected}"
    return reason


def make_case(plan: CasePlan, results: Mapping[str, Json]) -> CaseResult:
    """The result of one case.

    Args:
        plan: Which checks run on it.
        results: The record of each check, by code, with "outcome", "reason" and "seconds".
    """
    known = {one.code: one for one in all_checks()}
    checks, merged = [], Json()
    for code in sorted(results):
        one, record = known[code], results[code]
        merged.update(record)
        outcome = (record["outcome"], record["reason"], round(record["seconds"], 4))
        found = convert(record.get("failures", ()), tuple[CheckFailure, ...])
        checks.append(CheckResult(code, one.slug, one.level, one.required, *outcome, found))
    missed = dict(plan.missed)
    lost = tuple(code for code in plan.codes if code not in results)
    if lost:
        missed[INTERRUPTED] = lost
    weights = merged.get("weights")
    return CaseResult(
        entrypoint=plan.entrypoint,
        case=plan.case,
        kind=plan.kind,
        call=merged.get("call", ""),
        checks=tuple(checks),
        unexercised=tuple(Unexercised(*one) for one in missed.items()),
        input=merged.get("input", ""),
        provisional=merged.get("provisional", False),
        measured=Measured(**{name: merged.get(name) for name in Measured.__struct_fields__}),
        weights=_make_weights(weights, checks, missed) if weights else None,
        help=convert(merged.get("help"), EntrypointHelp) if "help" in merged else plan.help,
        input_values=tuple(merged.get("input_values", ())),
        output=merged.get("output", ""),
        modules=convert(merged.get("modules", ()), tuple[ModuleSize, ...]),
    )


def _make_weights(
    record: Json, checks: list[CheckResult], missed: Mapping[str, tuple[str, ...]]
) -> WeightsResult:
    """What became of the call with weights, by the checks of it."""
    # C301 calls it with weights too, and can fail for that alone.
    by_outcome = {
        one.outcome: one
        for one in reversed(checks)
        if one.code in WEIGHTS_CHECKS or (one.code, one.outcome) == (ARCHIVE_CHECK, "failed")
    }
    found = by_outcome.get("failed") or by_outcome.get("expected") or by_outcome.get("skipped")
    first = WEIGHTS_CHECKS[0]
    if found is not None:
        verdict, reason = "not tried" if found.outcome == "skipped" else "failed", found.reason
    elif any(one.code == first and one.outcome == "passed" for one in checks):
        verdict, reason = "tried", ""
    else:
        verdict, reason = "not tried", next((one for one in missed if first in missed[one]), "")
    return convert({**record, "verdict": verdict, "reason": reason}, WeightsResult)


def make_report(
    plan: ReportPlan,
    results: Mapping[str, Mapping[str, Json]],
    lint: LintResult,
    options: Options,
    repo: Json,
) -> ConformanceReport:
    """The report of a hubconf.

    Args:
        plan: Which checks run.
        results: Records by label ("" for the repo as a whole) and code.
        lint: The result of the lint item.
        options: The options of the run.
        repo: Fields of the report that describe the repo: "repo", "commit", "uncommitted",
            "digest".
    """
    whole = make_case(plan.whole, results.get("", {}))
    cases = tuple(make_case(one, results.get(one.label, {})) for one in plan.cases)
    return ConformanceReport(
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        environment=_environment(),
        policy=_policy(options),
        whole=whole,
        lint=(
            "failed" if lint.outcome == "failed" else "passed" if lint.outcome == "passed" else ""
        ),
        findings=lint.findings,
        cases=cases,
        interrupted=any(
            missed.reason == INTERRUPTED for one in (whole, *cases) for missed in one.unexercised
        ),
        summaries={
            check.code: check.summary
            for check in all_checks()
            if any(check.code == ran.code for one in (whole, *cases) for ran in one.checks)
        },
        **repo,
    )


def _environment() -> dict[str, str]:
    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count()),
    }


def _version(name: str) -> str:
    # From the metadata: importing torch takes seconds.
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


_PLANS = "hubkit-plans"
_RECORD = "hubkit"
_QUIET = -1


class Recorder:
    """Collects results in one run of pytest, and writes reports.

    Raises:
        UsageError: The format or the file of a report is not valid.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        folder = config.invocation_params.dir
        self._targets = [read_target(one, folder) for one in config.getoption("hubconf_report")]
        # By the path of the hubconf in node ids.
        self._plans: dict[str, ReportPlan] = {}
        self._results: dict[str, dict[str, dict[str, Json]]] = {}
        self._lint: dict[str, LintResult] = {}
        self._notes: Path | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the plan of the run; a worker sends it to the main process."""
        found: dict[str, tuple[Plan, RepoFacts]] = {
            item.nodeid.partition("::")[0]: (item.repo.session.plan, item.repo.session.facts)
            for item in session.items
            if isinstance(item, CheckItem)
        }
        self._plans = {path: make_report_plan(*one) for path, one in found.items()}
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_PLANS] = to_builtins(self._plans)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist's own
        """Take over the plan of a worker; one that crashed has left none."""
        self._notes = notes_folder(node.workerinput["testrunuid"])
        plans = getattr(node, "workeroutput", {}).get(_PLANS, {})
        for path, plan in convert(plans, dict[str, ReportPlan]).items():
            self._plans.setdefault(path, plan)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the record of an item to its report."""
        report = yield
        if isinstance(item, HubconfItem) and item.record:
            setattr(report, _RECORD, item.record)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the record of an item."""
        path = report.nodeid.partition("::")[0]
        record: Json = getattr(report, _RECORD, None) or self._find_crash(report)
        if not record or (report.passed and report.when != "call"):
            return
        if report.failed and not hasattr(self._config, "workerinput"):
            add_links(report)
        if "lint" in record:
            found = convert(record.get("findings", []), tuple[LintFindings, ...])
            self._lint[path] = LintResult(report.outcome, found)
            return
        outcome, reason = read_outcome(report, record)
        result = {**record, "outcome": outcome, "reason": reason, "seconds": report.duration}
        self._results.setdefault(path, {}).setdefault(record["label"], {})[record["check"]] = result

    def _find_crash(self, report: pytest.TestReport) -> Json:
        """The record of an item whose process crashed, which xdist reports for it."""
        path, *labels = report.nodeid.split("::")
        code = labels[-1].partition("-")[0] if labels else ""
        known = {one.code for one in all_checks()}
        if Path(path).name != "hubconf.py" or not report.failed or code not in known:
            return {}
        return {"check": code, "label": "".join(labels[:-1])}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the reports."""
        if hasattr(self._config, "workerinput"):
            return
        if self._notes is not None:
            shutil.rmtree(self._notes, ignore_errors=True)
        path = self._reported()
        if not path or not self._targets:
            return
        report = self._report(path, self._repo(path))
        try:
            for form, target in self._targets:
                write_report([report], form, target)
        except UsageError as error:
            pytest.exit(f"{error.message.rstrip('.')}. {error.hint}", pytest.ExitCode.USAGE_ERROR)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a table of entrypoints and levels for each hubconf, and the files of reports."""
        if self._config.get_verbosity() < _QUIET:
            return
        palette = Palette(sys.stdout, color=terminalreporter.hasmarkup)
        for path in self._results:
            if path in self._plans:
                terminalreporter.section(path.removesuffix(".py"))
                report = self._report(path, self._repo_so_far(path))
                terminalreporter.write(render_table(report, palette))
                if self._config.get_verbosity() > 0:
                    terminalreporter.write(render_weights(report))
        for form, target in self._targets if self._reported() else ():
            terminalreporter.write_line(f"{form}: {target}")

    def _reported(self) -> str:
        """The hubconf to write reports for: the one in rootdir, or the first; "" for none."""
        paths = [path for path in self._results if path in self._plans]
        return "hubconf.py" if "hubconf.py" in paths else next(iter(paths), "")

    def _report(self, path: str, repo: Json) -> ConformanceReport:
        options, lint = read_options(self._config), self._lint.get(path, LintResult())
        return make_report(self._plans[path], self._results[path], lint, options, repo)

    def _repo_so_far(self, path: str) -> Json:
        """What level 3 has found out about the repo."""
        repo: Json = {"commit": "", "uncommitted": None, "digest": ""}
        for case in self._results[path].values():
            for record in case.values():
                repo.update({name: record[name] for name in repo if name in record})
        return {"repo": Path(self._config.rootpath, path).parent.name, **repo}

    def _repo(self, path: str) -> Json:
        """The same, completed from git if level 3 did not run."""
        root = Path(self._config.rootpath, path).parent
        repo = {**self._repo_so_far(path), "repo": name_repo(root)}
        if repo["commit"]:
            repo["uncommitted"] = self._count_changes(root)
        if not repo["commit"]:
            with tempfile.TemporaryDirectory(prefix="hubkit-conformance-") as folder:
                try:
                    repo["commit"] = require_commit(root)
                    repo["uncommitted"] = self._count_changes(root)
                    repo["digest"] = publish(root.resolve(), Path(folder)).digest
                except (NotApplicableError, HubkitError):
                    # It is not a git repo, or git cannot pack it; C301 reports that.
                    pass
        return repo

    def _count_changes(self, root: Path) -> int:
        """How many files differ from the commit, not counting reports of earlier runs."""
        reports = {target.resolve() for _, target in self._targets}
        return sum((root / path).resolve() not in reports for path in find_changes(root))
