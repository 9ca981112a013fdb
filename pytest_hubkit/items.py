"""pytest's items of a hubconf, one per check and one for the linter, and how they show failures."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from _pytest._code.code import (
    ExceptionInfo,
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
)
from _pytest.main import FSHookProxy
from msgspec import structs, to_builtins

import hubkit
import pytest_hubkit
from hubkit._util.colors import link, shows_links
from hubkit._util.text import Painted, cut_lines, printable, printable_lines
from hubkit.errors import HubkitError
from hubkit.facts import CheckFailure, LintFindings
from pytest_hubkit.checks import (
    CHECKS,
    Failure,
    NotApplicableError,
    PrerequisiteError,
    UndeclaredError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest._code.code import TerminalRepr
    from _pytest._io import TerminalWriter

    from hubkit.config import Config
    from hubkit.facts import Report
    from hubkit.reporters.groups import Group
    from pytest_hubkit.checks import Check
    from pytest_hubkit.context import CaseContext, ModelCache, RepoContext


_OWN_CODE = tuple(f"{Path(module.__path__[0])}{os.sep}" for module in (hubkit, pytest_hubkit))

# At the start of a message, or after its place.
_CODE = re.compile(r"(?:(?<=^)|(?<=: ))(?:HUB\d{3}|C[123]\d{2})(?= )", re.MULTILINE)
_MOST_PLACES = 5
_MOST_REPORTED = 50  # places of one cause in the report
_MOST_LINES = 40  # of each piece of evidence in the report
_LAST = 3  # the level whose checks look at the commit


class CheckFailedError(Exception):
    """A check failed."""

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__(failures[0].message)
        self.failures = failures


class LinkedEntry(ReprEntryNative):
    """Lines in which codes link to the pages of their checks and rules, if a terminal shows links."""

    def toterminal(self, tw: TerminalWriter) -> None:
        """Print the lines."""
        if shows_links(tw._file):  # noqa: SLF001 - the stream is nowhere else
            tw.write(_CODE.sub(lambda one: link(one[0], Painted(one[0])), "".join(self.lines)))
        else:
            super().toterminal(tw)


def add_links(report: pytest.TestReport) -> None:
    """Let the failures of a report link to the pages of their checks, where they are printed.

    Only in the process that prints them: xdist sends no other classes than pytest's own.
    """
    traceback = getattr(report.longrepr, "reprtraceback", None)
    if traceback is not None:
        traceback.reprentries = [
            LinkedEntry(one.lines) if type(one) is ReprEntryNative else one
            for one in traceback.reprentries
        ]


def render_failures(item: HubconfItem, failures: tuple[Failure, ...]) -> ReprExceptionInfo:
    """What pytest prints for a failed item, in a form that xdist can send."""
    lines: list[str] = []
    if item.config.getoption("tbstyle") != "line":
        lines += (line for failure in failures for line in _lines(item, failure))
        lines += _last_lines(item)
    entry = ReprEntryNative([f"{printable(line)}\n" for line in lines])
    place = failures[0].location
    path = _shown(item, place.path if place else item.path.name)
    message = failures[0].message
    if len(failures) > 1:
        message += f" (and {len(failures) - 1} more)"
    crash = ReprFileLocation(printable(path), place.line if place else 1, printable_lines(message))
    return ReprExceptionInfo(ReprTraceback([entry], None, "native"), crash)


def _lines(item: HubconfItem, failure: Failure) -> Iterator[str]:
    place = failure.location
    where = f"{_shown(item, place.path)}:{place.line}: " if place else ""
    yield f"{where}{failure.message}"
    for seen in failure.evidence:
        yield from (f"    {line}" for line in seen.splitlines())
    if failure.cause is not None:
        yield from _traceback(item, failure.cause)
    if failure.fix:
        yield from (f"  {line}" for line in failure.fix.splitlines())
    yield ""


def _last_lines(item: HubconfItem) -> Iterator[str]:

    if not isinstance(item, CheckItem):
        yield "`hubkit explain CODE` explains a rule."
        return
    code = item.check.code
    if item.context is not None:
        place = item.context.case.place
    else:
        is_pyproject = item.repo.session.config.path == "pyproject.toml"
        place = "[tool.hubkit]" if is_pyproject else "hubkit.toml"
    yield f'To expect this failure: expected = {{ {code} = "the reason" }} in {place}'
    yield f"{code} {item.check.slug}: `hubkit explain {code}`"


def _to_result(item: HubconfItem, failure: Failure) -> CheckFailure:
    """A failure for the report."""
    place, evidence = failure.location, [*failure.evidence]
    if failure.cause is not None:
        evidence.append("\n".join(line[4:] for line in _traceback(item, failure.cause)))
    return CheckFailure(
        failure.message,
        tuple(cut_lines(one, most=_MOST_LINES) for one in evidence if one),
        failure.fix,
        f"{place.path}:{place.line}" if place else "",
    )


def _traceback(item: HubconfItem, error: BaseException) -> Iterator[str]:
    """The error's traceback from the first line of the repo's code on, in pytest's own style."""
    style = item.config.getoption("tbstyle", "auto")
    if style == "no":
        return
    info = ExceptionInfo.from_exception(error)
    if not item.config.getoption("fulltrace"):
        root = f"{item.path.parent}{os.sep}"
        theirs = info.traceback.filter(lambda entry: not str(entry.path).startswith(_OWN_CODE))
        own = theirs.filter(lambda entry: str(entry.path).startswith(root))
        if own and own[-1] is not theirs[-1]:
            own.append(theirs[-1])
        info.traceback = own or info.traceback.cut(path=Path(__file__).with_name("items.py"))
    shown = str(info.getrepr(style="short" if style == "auto" else style))
    if not item.config.getoption("fulltrace"):
        shown = re.sub(r"(?m)(?:^E .*\n?)+", lambda one: cut_lines(one[0], "E   ") + "\n", shown)
    yield from (f"    {line}" for line in shown.splitlines())


def _shown(item: HubconfItem, path: str) -> str:
    """A path of the repo, relative to the folder in which pytest was started."""
    full = item.path.parent / path
    try:
        return os.path.relpath(full, item.config.invocation_params.dir)
    except ValueError:  # on Windows, another drive
        return str(Path(full))


_HOOKS = pytest.StashKey[FSHookProxy]()


def hooks_without(plugin: object, config: pytest.Config, hooks: Any) -> Any:  # noqa: ANN401
    """Hooks without those of a plugin."""
    if isinstance(hooks, FSHookProxy):
        # There are conftest.py files of other folders.
        return FSHookProxy(config.pluginmanager, {*hooks.remove_mods, plugin})
    return config.stash.setdefault(_HOOKS, FSHookProxy(config.pluginmanager, {plugin}))


class HubconfItem(pytest.Item):
    """The base of all items of a hubconf."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        # With `--dist loadgroup`, one worker per hubconf imports torch and starts the children.
        self.add_marker(pytest.mark.xdist_group("hubconf"))
        # Users of the model do not have this project's warnings filters.
        self.add_marker(pytest.mark.filterwarnings("default"))
        self._failed: CheckFailedError | None = None
        # The source of the report, which xdist sends to the main process.
        self.record: dict[str, Any] = {}

    @property
    def ihook(self) -> Any:  # noqa: ANN401 - as pytest has it, a stand-in of the declared type
        """Its hooks, without pytest's capture of logs unless they are shown live or in a file.

        That attaches handlers to each of torch's many loggers, six times per item.
        """
        logs = self.config.pluginmanager.getplugin("logging-plugin")
        option = self.config.getoption
        if logs is None or option("log_file", None) or self.config.getini("log_cli"):
            return super().ihook
        return hooks_without(logs, self.config, super().ihook)

    def fail(self, *failures: Failure) -> None:
        """Fail.

        Raises:
            CheckFailedError: Always, unless repo code raised: then that, so that ``--pdb`` lands
                where it happened.
        """
        self._failed = CheckFailedError(failures)
        if failures[0].cause is not None:
            raise failures[0].cause
        raise self._failed

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401
    ) -> str | TerminalRepr:
        """The failures in place of a traceback through hubkit."""
        error = excinfo.value
        failed = self._failed
        if failed is not None and error in (failed, failed.failures[0].cause):
            return render_failures(self, failed.failures)
        if isinstance(error, HubkitError):
            return render_failures(self, (Failure(error.message, fix=error.hint),))
        if isinstance(error, Exception) and not self.config.getoption("fulltrace"):
            message = f"{type(error).__name__}: {error}"
            return render_failures(self, (Failure(message, cause=error),))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Its place and its heading."""
        return self.path, self.line - 1, self.heading

    @property
    def line(self) -> int:
        """Its line in the hubconf."""
        return 1

    @property
    def heading(self) -> str:
        """The heading of its failures."""
        return self.name


class BrokenItem(HubconfItem):
    """The item of a hubconf whose configuration cannot be read."""

    def __init__(self, *, error: HubkitError, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.error = error

    def runtest(self) -> None:
        """Raise the error."""
        raise self.error


class LintItem(HubconfItem):
    """``hubkit check``, as one test."""

    def __init__(self, *, repo: RepoContext, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.repo = repo
        self.record = {"lint": True}

    def runtest(self) -> None:
        """Run the rules that the configuration selects."""
        from hubkit.lint import lint_repo
        from hubkit.reporters.groups import group_findings

        report = lint_repo(self.repo.session.facts, self.repo.session.config)
        groups = group_findings(report)
        self.record["findings"] = [to_builtins(_to_findings(one, report)) for one in groups]
        failing = [one for one in groups if report.fails(one.findings[0])]
        if failing and report.exit_code:
            self.fail(*map(_describe_group, failing))


def _to_findings(group: Group, report: Report) -> LintFindings:
    """Findings of one cause, for the report."""
    return LintFindings(
        group.code,
        report.slug(group.code),
        group.severity,
        group.message,
        tuple(f"{one.path}:{one.line}" for one in group.places[:_MOST_REPORTED] if one),
        group.hints,
    )


def _describe_group(group: Group) -> Failure:
    """Findings of one cause; `hubkit check` shows all places."""
    places = [f"{place.path}:{place.line}" for place in group.places if place is not None]
    more = (
        f"; {len(places) - _MOST_PLACES} more: hubkit check" if len(places) > _MOST_PLACES else ""
    )
    return Failure(
        f"{group.code} {group.message}",
        (", ".join(places[:_MOST_PLACES]) + more,) if len(places) > 1 else (),
        "\n".join(group.hints),
        group.places[0],
    )


class CheckItem(HubconfItem):
    """One check of one case, or of the repo as a whole."""

    def __init__(
        self,
        *,
        check: Check,
        repo: RepoContext,
        context: CaseContext | None = None,
        models: ModelCache | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.repo = repo
        self.context = context
        self._models = models
        self._label = context.label if context else ""
        self.add_marker(getattr(pytest.mark, f"hubkit_l{check.level}"))
        self._expected = _find_expected(check, context, repo.session.config)
        if self._expected and check.required:
            strict = context.case.config.strict if context else True
            self.add_marker(pytest.mark.xfail(reason=f"expected: {self._expected}", strict=strict))
        self.record = {"check": check.code, "label": self._label}
        self.user_properties += [
            ("hubkit.check", check.code),
            ("hubkit.level", check.level),
            ("hubkit.required", check.required),
            ("hubkit.entrypoint", self._label),
        ]

    @property
    def line(self) -> int:
        """The line that makes the entrypoint a name of hubconf."""
        known = self.context.entrypoint if self.context else None
        return known.location.line if known else 1

    @property
    def heading(self) -> str:
        """The case, if there is one, and the check."""
        return f"{self._label}: {self.name}" if self.context else self.name

    def runtest(self) -> None:
        """Run the check; skip it if a check that it requires fails, or if it does not apply."""
        session, context = self.repo.session, self.context
        crashed = session.crashes.find(self._label) if context else ""
        if crashed:
            _skip(f"({crashed}) it crashed a process earlier")
        self._skip_if_broken(self.check)
        if context and self._models:
            self._models.hold(context)
        try:
            with session.crashes.watch(self._label, self.check.code):
                failures = self._run_check()
        except NotApplicableError as reason:
            self.record["applies"] = isinstance(reason, UndeclaredError)
            _skip(str(reason))
        except PrerequisiteError as error:
            if error.code != self.check.code and self._is_reported(error):
                self._skip_as_broken(str(error))
            failures = (error.failure,)
        except pytest.fail.Exception:
            # A time limit. Checks that require this one need not run into it too.
            if context:
                self._note_broken("it did not finish in time")
            raise
        finally:
            session.checked.add(self._key(self.check.code))
            self._record_measurements()
        self._report(tuple(map(self._locate, failures)))

    def _run_check(self) -> tuple[Failure, ...]:
        """Run the check, unless a model of the same design has passed it."""
        context, check = self.context, self.check
        if context is None or not check.by_design:
            return tuple(check.function(context or self.repo))
        alike = context.find_alike(check.code)
        if alike:
            self.record["alike"] = alike
            return ()
        failures = tuple(check.function(context))
        if not failures and context.design is not None:
            context.session.known.setdefault((check.code, context.design), self._label)
        return failures

    def _report(self, failures: tuple[Failure, ...]) -> None:
        """Fail if the check found something; skip if that is a missing feature."""
        if failures:
            self.record["failures"] = to_builtins([_to_result(self, one) for one in failures])
        if not self.check.required:
            self._report_feature(failures)
        if failures:
            self._note_broken(f"({self.check.code}) {failures[0].message}")
            self.fail(*failures)

    def _locate(self, failure: Failure) -> Failure:
        if failure.location or not self.context:
            return failure
        return structs.replace(failure, location=self.context.location)

    def _report_feature(self, failures: tuple[Failure, ...]) -> None:
        """Report whether a feature is supported; skip the item if not."""
        self.record["feature"] = not failures
        self.user_properties.append(("hubkit.feature", "no" if failures else "yes"))
        if failures:
            known = f" ({self._expected})" if self._expected else ""
            evidence = "; ".join(failures[0].evidence)
            _skip(f"not supported{known}: {failures[0].message} {evidence}".strip())

    def _is_reported(self, error: PrerequisiteError) -> bool:
        """Whether the check that is for this failure reports it, or another one did."""
        session, needed = self.repo.session, CHECKS[error.code]
        key = (error.code, "") if needed.scope == "repo" else self._key(error.code)
        if key not in session.checked and self._is_selected(error.code):
            session.checked.add(key)
            reason = self._find_broken(needed)
            if reason:
                session.broken[key] = reason
        if key in session.broken:
            return True
        # It does not run, or passes because its child process does not have the problem.
        session.broken[key] = str(error)
        return False

    def _skip_if_broken(self, check: Check) -> None:
        """Skip if a check that is required fails; run required checks that have not run yet."""
        session = self.repo.session
        for code in check.requires:
            needed = CHECKS[code]
            key = (code, "") if needed.scope == "repo" else self._key(code)
            if key not in session.checked and self._is_selected(code):
                # Its own item comes later, in this order.
                session.checked.add(key)
                self._skip_if_broken(needed)
                reason = self._find_broken(needed)
                if reason:
                    session.broken[key] = reason
            if key in session.broken:
                self._skip_as_broken(session.broken[key])

    def _find_broken(self, check: Check) -> str:
        """Why a check fails, or ""."""
        context = self.repo if check.scope == "repo" else self.context
        try:
            failure = next(iter(check.function(context)), None)
        except NotApplicableError:
            return ""
        except PrerequisiteError as error:
            return str(error)
        return f"({check.code}) {failure.message}" if failure else ""

    def _skip_as_broken(self, reason: str) -> NoReturn:
        # Checks that require this one are skipped for the same reason.
        self._note_broken(reason)
        _skip(reason)

    def _note_broken(self, reason: str) -> None:
        self.repo.session.broken[self._key(self.check.code)] = reason

    def _key(self, code: str) -> tuple[str, str]:
        return code, self._label

    def _is_selected(self, code: str) -> bool:
        """Whether another check runs, so that its failure need not be reported twice."""
        context = self.context
        return code in self.repo.session.plan.selected or (
            context is not None and code in context.selected
        )

    def _record_measurements(self) -> None:
        """Add what was measured of the model, and the commit, to the report."""
        if self.context:
            self.record.update(self.context.measurements())
        published = self.repo.children.published_so_far if self.check.level == _LAST else None
        if published is not None:
            self.record["commit"] = published.sha
            self.record["uncommitted"] = len(published.changes)
            self.record["digest"] = published.digest


def _skip(reason: str) -> NoReturn:
    # At the item's place, so that the summary does not show a line of hubkit's.
    raise pytest.skip.Exception(reason, _use_item_location=True)


def _find_expected(check: Check, context: CaseContext | None, config: Config) -> str:
    """Why a check is expected to fail, or ""."""
    expected = context.case.config.expected if context else config.expected
    return expected.get(check.code, "")
