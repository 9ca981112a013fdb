"""The results of the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct, field

from hubkit._util.notebook import html_code, html_table, html_text
from hubkit.facts.findings import Severity  # noqa: TC001 - msgspec reads it

if TYPE_CHECKING:
    from collections.abc import Mapping

# "expected": an expected failure; "unsupported": a missing feature; "skipped": it could not run, so
# the level is not reached; "inapplicable": it does not apply.
Outcome = Literal["passed", "failed", "expected", "unsupported", "skipped", "inapplicable"]
# "exceptions": reached except for expected failures; "partial": some of its checks did not run;
# "nothing": none of its checks applies; "omitted": none of its checks ran.
Verdict = Literal["reached", "exceptions", "failed", "skipped", "partial", "nothing", "omitted"]

LEVELS = (1, 2, 3)
# Why a check did not run.
NOT_REPRESENTATIVE, NOT_SELECTED = "not representative", "not selected"
ANOTHER_SHARD, INTERRUPTED = "another shard", "interrupted"
# Checks of the call with weights.
WEIGHTS_CHECKS, ARCHIVE_CHECK = ("C305", "C306", "C307", "C316"), "C301"
_FINE = ("reached", "exceptions", "nothing")


class CheckFailure(Struct, frozen=True):
    """A problem that a check found.

    Attributes:
        message: What is wrong for users of the model.
        evidence: Numbers, paths, lines, the last lines of a traceback.
        fix: The most likely cause, and how to fix it.
        place: Its file and line, such as "hubconf.py:12"; "" if unknown.
    """

    message: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    place: str = ""


class CheckResult(Struct, frozen=True):
    """The result of one check.

    Attributes:
        code: Such as "C204".
        name: Such as "eval-determinism".
        level: Its level.
        required: Whether the level depends on it; otherwise it reports a feature.
        outcome: Its outcome.
        reason: Why it failed, was skipped or is expected to fail; "" if it passed.
        seconds: How long it took, including shared work that it was the first to need.
        failures: What it found, if it failed or reports a missing feature.
    """

    code: Annotated[str, Meta(pattern=r"^C[0-9]{3}\Z")]
    name: str
    level: Annotated[int, Meta(ge=1, le=3)]
    required: bool
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    failures: tuple[CheckFailure, ...] = ()


class Unexercised(Struct, frozen=True):
    """Required checks that did not run.

    Attributes:
        reason: "not representative", "another shard", "not selected" or "interrupted".
        codes: Their codes.
    """

    reason: str
    codes: tuple[Annotated[str, Meta(pattern=r"^C[0-9]{3}\Z")], ...]


class Measured(Struct, frozen=True):
    """Measurements of a model; None if not measured.

    Attributes:
        parameters: How many it has.
        load_seconds: How long building it without weights took.
        forward_seconds: How long its first run on the example input took.
        memory_bytes: The most memory that building it, and running it where level 3 ran, took in a
            process of its own.
        bytes: The size of its parameters and buffers.
    """

    parameters: int | None = None
    load_seconds: float | None = None
    forward_seconds: float | None = None
    memory_bytes: int | None = None
    bytes: int | None = None


class ModuleSize(Struct, frozen=True):
    """A part of a model, of several that together have all its parameters.

    Attributes:
        name: Its name in the model, such as "layer4.0", or the first and the last of a row of equal
            ones, such as "blocks.0 to blocks.11".
        kind: Its class.
        count: How many there are.
        parameters: How many parameters they have together. A parameter that several parts share
            counts for the first one.
    """

    name: str
    kind: str
    count: int
    parameters: int


class ParameterHelp(Struct, frozen=True):
    """A parameter of an entrypoint, as the source shows it.

    Attributes:
        name: Its name.
        annotation: Its type, as written; "" without one.
        default: Its default, as written; "" without one.
        description: What the docstring says about it; "" if nothing.
    """

    name: str
    annotation: str = ""
    default: str = ""
    description: str = ""


class EntrypointHelp(Struct, frozen=True):
    """What the source says about an entrypoint.

    Attributes:
        signature: Its name and parameters; "" if the source does not show it.
        docstring: Its docstring; the end of a very long one is cut off.
        parameters: Its parameters.
        place: Where it is defined, such as "hubconf.py:12".
    """

    signature: str = ""
    docstring: str = ""
    parameters: tuple[ParameterHelp, ...] = ()
    place: str = ""


class WeightsFile(Struct, frozen=True):
    """A file that weights were read from.

    Attributes:
        path: Its path, relative to the repo if it is inside.
        sha256: Its digest.
        bytes: Its size.
    """

    path: str
    sha256: str
    bytes: int


class WeightsResult(Struct, frozen=True):
    """Whether an entrypoint that offers weights was called with them.

    Attributes:
        call: The call; "" if only the author knows it.
        verdict: The result: "failed" if it fails, or its weights are not what they should be.
        reason: Why it was not tried, or failed, and what to do.
        files: The files that it read.
        filled: How many numbers of its parameters came from them; None if unknown.
        parameters: How many it has; None if unknown.
    """

    call: str
    verdict: Literal["tried", "failed", "not tried"]
    reason: str = ""
    files: tuple[WeightsFile, ...] = ()
    filled: int | None = None
    parameters: int | None = None

    @property
    def is_untried(self) -> bool:
        """Whether it was to be called with weights, and was not."""
        return self.verdict == "not tried" and self.reason != NOT_SELECTED


class CaseResult(Struct, frozen=True):
    """The results of one case of an entrypoint, or of the repo as a whole.

    Attributes:
        entrypoint: Its name; "" for the repo as a whole.
        case: The name of the case; "" if there is only one.
        kind: What the entrypoint returns.
        call: The call that built it, "" if it was not built.
        checks: The checks that ran, by code.
        unexercised: The required checks that did not.
        input: Where its example input came from, "" if it did not run.
        provisional: Whether the input was a guess.
        measured: Size, time and memory.
        weights: The call with weights; None if it offers none, or was not built.
        help: Its signature and docstring.
        input_values: The types and shapes of its example input.
        output: The type and shape of its output.
        modules: Its parts by size.
    """

    entrypoint: str
    case: str = ""
    kind: str = "model"
    call: str = ""
    checks: tuple[CheckResult, ...] = ()
    unexercised: tuple[Unexercised, ...] = ()
    input: str = ""
    provisional: bool = False
    measured: Measured = Measured()
    weights: WeightsResult | None = None
    help: EntrypointHelp = EntrypointHelp()
    input_values: tuple[str, ...] = ()
    output: str = ""
    modules: tuple[ModuleSize, ...] = ()

    @property
    def label(self) -> str:
        """The entrypoint's name, with the case's when it has one."""
        return f"{self.entrypoint}[{self.case}]" if self.case else self.entrypoint

    @property
    def has_untried_weights(self) -> bool:
        """Whether level 3 ran, but could not call it with its weights."""
        last = LEVELS[-1]
        is_untried = self.weights is not None and self.weights.is_untried
        has_run = bool(self.codes(last, "passed", "failed", "expected", "skipped"))
        return is_untried and has_run and not self.is_represented(last)

    @property
    def supported(self) -> tuple[CheckResult, ...]:
        """Supported features."""
        return tuple(one for one in self.checks if not one.required and one.outcome == "passed")

    @property
    def unsupported(self) -> tuple[CheckResult, ...]:
        """Missing features."""
        return tuple(one for one in self.checks if one.outcome == "unsupported")

    @property
    def level(self) -> int:
        """The highest level that was reached with all below it; 0 for none."""
        reached = 0
        for level in LEVELS:
            if self.verdict(level) not in _FINE:
                return reached
            reached = level
        return reached

    def codes(self, level: int, *outcomes: Outcome) -> tuple[str, ...]:
        """Codes of a level's checks with one of the outcomes; of features only those that failed."""
        return tuple(
            one.code
            for one in self.checks
            if one.level == level
            and one.outcome in outcomes
            and (one.required or one.outcome == "failed")
        )

    def missed(self, level: int) -> tuple[str, ...]:
        """Codes of a level's required checks that did not run."""
        codes = (code for one in self.unexercised for code in one.codes)
        return tuple(code for code in codes if code.startswith(f"C{level}"))

    def verdict(self, level: int) -> Verdict:
        """Whether a level was reached."""
        if self.codes(level, "failed"):
            return "failed"
        ran = self.codes(level, "passed", "expected")
        if self.codes(level, "skipped"):
            return "skipped"
        if self.missed(level):
            return "partial" if ran else "omitted"
        if ran:
            return "exceptions" if self.codes(level, "expected") else "reached"
        return "nothing" if self.codes(level, "inapplicable") else "omitted"

    def is_represented(self, level: int) -> bool:
        """Whether a level did not run because other entrypoints represent this one."""
        missed = self.missed(level)
        others = [one for one in self.unexercised if one.reason == NOT_REPRESENTATIVE]
        return bool(missed) and set(missed) <= {code for one in others for code in one.codes}


class LintFindings(Struct, frozen=True):
    """Findings of ``hubkit check`` with one cause.

    Attributes:
        code: The code of the rule, such as "HUB105".
        name: Its name, such as "undeclared-import".
        severity: How bad it is.
        message: What is wrong.
        places: Files and lines, such as "hubconf.py:12"; none for the repo as a whole.
        hints: What to do.
    """

    code: Annotated[str, Meta(pattern=r"^HUB[0-9]{3}\Z")]
    name: str
    severity: Severity
    message: str
    places: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class ConformanceReport(Struct, frozen=True):
    """One run of the conformance suite.

    Attributes:
        created: When it ended, in UTC, as ISO 8601 has it.
        repo: "owner/name" from the git remote, else the folder's name.
        commit: The commit that was checked out; "" without one.
        uncommitted: How many files differ from it; None if unknown.
        digest: "sha256:" and a digest of the commit's files as an archive has them, the one that
            hubkit.lock holds; "" without a commit.
        environment: Versions and platform, such as "torch".
        policy: The options of the run, such as "network".
        whole: The checks of the repo as a whole.
        lint: The result of ``hubkit check``; "" if it did not run.
        findings: What ``hubkit check`` found, the most severe first.
        cases: Entrypoints, in the order of the hubconf.
        interrupted: Whether the run was interrupted.
        summaries: What each check that ran asks for, by its code.
    """

    created: str
    repo: str
    commit: str
    uncommitted: int | None
    digest: str
    environment: Mapping[str, str]
    policy: Mapping[str, object]
    whole: CaseResult
    lint: Literal["passed", "failed", ""] = ""
    cases: tuple[CaseResult, ...] = field(default=())
    interrupted: bool = False
    summaries: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[LintFindings, ...] = ()

    @property
    def level(self) -> int:
        """The highest level that the repo and all its entrypoints reached; 0 for none.

        For an entrypoint that is represented by others, those count.
        """
        reached = 0
        for level in LEVELS:
            checked = [one for one in self.cases if not one.is_represented(level)]
            if not checked or any(one.level < level for one in checked):
                return reached
            # Not every level has checks of the repo as a whole.
            if self.whole.missed(level) or self.whole.verdict(level) not in (*_FINE, "omitted"):
                return reached
            reached = level
        return reached

    def _repr_html_(self) -> str:
        title = f"{self.repo} {self.commit[:12]}, level {self.level}"
        head = ("entrypoint", "level", "failed", "expected failures", "weights")
        return html_table(title, head, map(_html_cells, self.cases))


def _html_cells(case: CaseResult) -> tuple[str, ...]:
    """The cells of a case for a notebook."""
    listed = {
        outcome: ", ".join(one.code for one in case.checks if one.outcome == outcome)
        for outcome in ("failed", "expected")
    }
    weights = case.weights.verdict if case.weights else ""
    return (
        html_code(case.label),
        str(case.level),
        html_text(listed["failed"]),
        html_text(listed["expected"]),
        html_text(weights),
    )
