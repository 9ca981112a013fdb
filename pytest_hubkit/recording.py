"""The hooks that gather what ran, here or in xdist's workers, and write reports in the end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.conformance import read_target, render_table, write_form
from hubkit.errors import HubkitError, UsageError
from pytest_hubkit.checks import NotApplicableError, all_checks
from pytest_hubkit.deaths import notes_folder
from pytest_hubkit.items import CheckItem, HubconfItem
from pytest_hubkit.options import read_options
from pytest_hubkit.published import find_changes, name_repo, publish, require_commit
from pytest_hubkit.results import make_plan, make_report, read_outcome

if TYPE_CHECKING:
    from collections.abc import Generator

    from hubkit.facts import ConformanceReport
    from pytest_hubkit.session import Conformance

Json = dict[str, Any]
_PLANS = "hubkit-plans"
_SAID = "hubkit"
_QUIET = -1


class Recorder:
    """What ran of hubconfs in one run of pytest.

    Args:
        config: pytest's configuration.

    Raises:
        UsageError: A report is asked for in a form that there is not, or where no file can be.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        folder = config.invocation_params.dir
        self._targets = [read_target(one, folder) for one in config.getoption("hubconf_report")]
        # By the file of the hubconf, as node ids have it.
        self._plans: dict[str, Json] = {}
        self._results: dict[str, dict[str, dict[str, Json]]] = {}
        self._lint: dict[str, str] = {}
        self._notes: Path | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what is going to run; a worker hands it on."""
        found: dict[str, Conformance] = {
            item.nodeid.partition("::")[0]: item.conformance
            for item in session.items
            if isinstance(item, CheckItem)
        }
        self._plans = {path: make_plan(one) for path, one in found.items()}
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_PLANS] = self._plans

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist's own
        """Take over what a worker was going to run; one that died has left nothing."""
        self._notes = notes_folder(node.workerinput["testrunuid"])
        for path, plan in getattr(node, "workeroutput", {}).get(_PLANS, {}).items():
            self._plans.setdefault(path, plan)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send what an item said with its report."""
        report = yield
        if isinstance(item, HubconfItem) and item.said:
            setattr(report, _SAID, item.said)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of an item."""
        path = report.nodeid.partition("::")[0]
        said: Json = getattr(report, _SAID, None) or self._died(report)
        if not said or (report.passed and report.when != "call"):
            return
        if "lint" in said:
            self._lint[path] = report.outcome
            return
        outcome, reason = read_outcome(report, said)
        result = {**said, "outcome": outcome, "reason": reason, "seconds": report.duration}
        self._results.setdefault(path, {}).setdefault(said["label"], {})[said["check"]] = result

    def _died(self, report: pytest.TestReport) -> Json:
        """What is known of an item whose process has died: xdist reports that for it."""
        path, *labels = report.nodeid.split("::")
        code = labels[-1].partition("-")[0] if labels else ""
        known = {one.code for one in all_checks()}
        if Path(path).name != "hubconf.py" or not report.failed or code not in known:
            return {}
        return {"check": code, "label": "".join(labels[:-1])}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the files that were asked for."""
        if hasattr(self._config, "workerinput"):
            return
        if self._notes is not None:
            shutil.rmtree(self._notes, ignore_errors=True)
        path = self._chosen()
        if not path or not self._targets:
            return
        report = self._report(path, self._repo(path))
        try:
            for form, target in self._targets:
                write_form(report, form, target)
        except UsageError as error:
            pytest.exit(f"{error.message}. {error.hint}", pytest.ExitCode.USAGE_ERROR)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a table of entrypoints and levels for each hubconf, and where reports went."""
        if self._config.get_verbosity() < _QUIET:
            return
        for path in self._results:
            if path in self._plans:
                terminalreporter.section(path.removesuffix(".py"))
                table = render_table(self._report(path, self._seen(path)))
                terminalreporter.write(table)
        for form, target in self._targets if self._chosen() else ():
            terminalreporter.write_line(f"{form}: {target}")

    def _chosen(self) -> str:
        """The hubconf that files tell of: the rootdir's, or the first; "" when none was exercised."""
        paths = [path for path in self._results if path in self._plans]
        return "hubconf.py" if "hubconf.py" in paths else next(iter(paths), "")

    def _report(self, path: str, repo: Json) -> ConformanceReport:
        options, lint = read_options(self._config), self._lint.get(path, "")
        return make_report(self._plans[path], self._results[path], lint, options, repo)

    def _seen(self, path: str) -> Json:
        """What level 3 has told of the repo."""
        repo: Json = {"commit": "", "uncommitted": None, "digest": ""}
        for case in self._results[path].values():
            for said in case.values():
                repo.update({name: said[name] for name in repo if name in said})
        return {"repo": Path(self._config.rootpath, path).parent.name, **repo}

    def _repo(self, path: str) -> Json:
        """The same, and what is asked of git where level 3 did not run."""
        root = Path(self._config.rootpath, path).parent
        repo = {**self._seen(path), "repo": name_repo(root)}
        if repo["commit"]:
            repo["uncommitted"] = self._count_changes(root)
        if not repo["commit"]:
            with tempfile.TemporaryDirectory(prefix="hubkit-conformance-") as folder:
                try:
                    repo["commit"] = require_commit(root)
                    repo["uncommitted"] = self._count_changes(root)
                    repo["digest"] = publish(root.resolve(), Path(folder)).digest
                except (NotApplicableError, HubkitError):
                    # It is no git repo, or git cannot pack it: C301 says so.
                    pass
        return repo

    def _count_changes(self, root: Path) -> int:
        """How many files differ from the commit; the report of an earlier run is none of them."""
        reports = {target.resolve() for _, target in self._targets}
        return sum((root / path).resolve() not in reports for path in find_changes(root))
