"""pytest's items of a hubconf: one per check, and one for all rules of the linter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from hubkit.errors import HubkitError
from pytest_hubkit.checks import (
    CHECKS,
    Failure,
    NotApplicableError,
    PrerequisiteError,
    UndeclaredError,
)
from pytest_hubkit.rendering import CheckFailedError, render_failures

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest._code.code import TerminalRepr

    from hubkit.config import Config
    from pytest_hubkit.checks import Check
    from pytest_hubkit.session import Conformance
    from pytest_hubkit.subject import Subject


class HubconfItem(pytest.Item):
    """What all items of a hubconf have in common."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        # One process per hubconf under `--dist loadgroup`: it imports torch and asks children once.
        self.add_marker(pytest.mark.xdist_group("hubconf"))
        # Users of the model do not run with this project's warnings filters.
        self.add_marker(pytest.mark.filterwarnings("default"))
        self._failed: CheckFailedError | None = None
        # What the report is made from; reaches it also from another process.
        self.said: dict[str, Any] = {}

    def fail(self, *failures: Failure) -> None:
        """Fail with what was found.

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
        """The failures in plain words instead of a traceback through hubkit."""
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
        """Where it points to, and its headline."""
        return self.path, self.line - 1, self.heading

    @property
    def line(self) -> int:
        """The line of the hubconf that it points to."""
        return 1

    @property
    def heading(self) -> str:
        """What stands above its failures."""
        return self.name


class BrokenItem(HubconfItem):
    """Stands for a hubconf that cannot be exercised at all."""

    def __init__(self, *, error: HubkitError, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.error = error

    def runtest(self) -> None:
        """Say what is wrong."""
        raise self.error


class LintItem(HubconfItem):
    """``hubkit check``, as one test."""

    def __init__(self, *, conformance: Conformance, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.conformance = conformance
        self.said = {"lint": True}

    def runtest(self) -> None:
        """Run the rules that the configuration selects."""
        from hubkit.lint import lint_repo

        report = lint_repo(self.conformance.facts, self.conformance.config)
        if report.exit_code:
            self.fail(
                *(
                    Failure(
                        f"{finding.code} {finding.message}",
                        fix=finding.hint,
                        location=finding.location,
                    )
                    for finding in report.findings
                    if report.fails(finding)
                )
            )


class CheckItem(HubconfItem):
    """One check of one case, or of the repo as a whole."""

    def __init__(
        self,
        *,
        check: Check,
        conformance: Conformance,
        subject: Subject | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.conformance = conformance
        self.subject = subject
        self.add_marker(getattr(pytest.mark, f"hubkit_l{check.level}"))
        self.reason = _expected(check, subject, self.conformance.config)
        if self.reason and check.required:
            strict = subject.case.config.strict if subject else True
            self.add_marker(pytest.mark.xfail(reason=f"expected: {self.reason}", strict=strict))
        self.said = {"check": check.code, "label": subject.label if subject else ""}
        self.user_properties += [
            ("hubkit.check", check.code),
            ("hubkit.level", check.level),
            ("hubkit.required", check.required),
            ("hubkit.entrypoint", self.said["label"]),
        ]

    @property
    def line(self) -> int:
        """Where the entrypoint's name enters hubconf."""
        known = self.subject.entrypoint if self.subject else None
        return known.location.line if known else 1

    @property
    def heading(self) -> str:
        """The entrypoint, if it judges one, and the check."""
        return f"{self.subject.label}: {self.name}" if self.subject else self.name

    def runtest(self) -> None:
        """Run the check; skip it when what it needs is broken, or does not apply."""
        conformance, subject = self.conformance, self.subject
        died = conformance.deaths.find(self.said["label"]) if subject else ""
        if died:
            _skip(f"({died}) it took a process down before")
        self._skip_if_broken(self.check)
        if subject:
            conformance.hold(subject)
        try:
            with conformance.deaths.watch(self.said["label"], self.check.code):
                failures = tuple(self.check.function(subject or conformance))
        except NotApplicableError as reason:
            self.said["applies"] = isinstance(reason, UndeclaredError)
            _skip(str(reason))
        except PrerequisiteError as error:
            if error.code != self.check.code and self._is_selected(error.code):
                self._skip_as_broken(str(error))
            failures = (error.failure,)
        except pytest.fail.Exception:
            # A time limit. What needs this check need not run into it too.
            if subject:
                self._note_broken("it did not end in time")
            raise
        finally:
            conformance.judged.add(self._key(self.check.code))
            self._note()
        if not self.check.required:
            self._tell_feature(failures)
        if failures:
            self._note_broken(f"({self.check.code}) {failures[0].message}")
            self.fail(*failures)

    def _tell_feature(self, failures: tuple[Failure, ...]) -> None:
        """Say whether a feature is there, which is no matter of right or wrong."""
        self.said["feature"] = not failures
        self.user_properties.append(("hubkit.feature", "no" if failures else "yes"))
        if failures:
            known = f" ({self.reason})" if self.reason else ""
            evidence = "; ".join(failures[0].evidence)
            _skip(f"not supported{known}: {failures[0].message} {evidence}".strip())

    def _skip_if_broken(self, check: Check) -> None:
        """Skip where something that a check requires is broken, which is found out if need be."""
        for code in check.requires:
            needed = CHECKS[code]
            key = (code, "") if needed.scope == "repo" else self._key(code)
            if key not in self.conformance.judged and self._is_selected(code):
                # Its own item comes later, in this order.
                self.conformance.judged.add(key)
                self._skip_if_broken(needed)
                reason = self._find_broken(needed)
                if reason:
                    self.conformance.broken[key] = reason
            if key in self.conformance.broken:
                self._skip_as_broken(self.conformance.broken[key])

    def _find_broken(self, check: Check) -> str:
        """Why a check fails, or ""."""
        whom = self.conformance if check.scope == "repo" else self.subject
        try:
            failure = next(iter(check.function(whom)), None)
        except NotApplicableError:
            return ""
        except PrerequisiteError as error:
            return str(error)
        return f"({check.code}) {failure.message}" if failure else ""

    def _skip_as_broken(self, reason: str) -> NoReturn:
        # What needs this check is broken for the same reason.
        self._note_broken(reason)
        _skip(reason)

    def _note_broken(self, reason: str) -> None:
        self.conformance.broken[self._key(self.check.code)] = reason

    def _key(self, code: str) -> tuple[str, str]:
        return code, self.subject.label if self.subject else ""

    def _is_selected(self, code: str) -> bool:
        """Whether another check reports what is broken, so that it need not be said twice."""
        subject = self.subject
        return code in self.conformance.selected or (
            subject is not None and code in subject.selected
        )

    def _note(self) -> None:
        """Leave in the report what was seen of the model, and of the commit."""
        if self.subject:
            self.said.update(self.subject.seen())
        published = self.conformance.children.seen_published if self.check.level == 3 else None
        if published is not None:
            self.said["commit"] = published.sha
            self.said["uncommitted"] = len(published.changes)
            self.said["digest"] = published.digest


def _skip(reason: str) -> NoReturn:
    # At the item's place, so that the summary does not show a line of hubkit's.
    raise pytest.skip.Exception(reason, _use_item_location=True)


def _expected(check: Check, subject: Subject | None, config: Config) -> str:
    """Why a check is known to fail, or ""."""
    known = subject.case.config.expected if subject else config.expected
    return known.get(check.code, "")
