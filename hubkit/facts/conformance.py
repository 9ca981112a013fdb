"""What a run of the conformance suite yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

# "expected": failed, as the author says; "unsupported": a feature that is not there; "skipped":
# could not be judged, which costs the level; "inapplicable": there is nothing to judge.
Outcome = Literal["passed", "failed", "expected", "unsupported", "skipped", "inapplicable"]
# "exceptions": reached but for expected failures; "partial": not all of its checks ran;
# "nothing": none of its checks applies; "omitted": none of its checks ran.
Verdict = Literal["reached", "exceptions", "failed", "skipped", "partial", "nothing", "omitted"]

LEVELS = (1, 2, 3)
# Why a check did not run.
NOT_REPRESENTATIVE, NOT_SELECTED = "not representative", "not selected"
ANOTHER_SHARD, INTERRUPTED = "another shard", "interrupted"
_FINE = ("reached", "exceptions", "nothing")


class CheckResult(Struct, frozen=True):
    """What became of one check.

    Attributes:
        code: Such as "C204".
        name: The same as words, such as "eval-determinism".
        level: The level that it belongs to.
        required: Whether the level depends on it; else it tells whether a feature is there.
        outcome: What became of it.
        reason: Why it failed, was skipped or is expected to fail; "" when it passed.
        seconds: How long it took, with what it was the first to need.
    """

    code: str
    name: str
    level: int
    required: bool
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0


class Unexercised(Struct, frozen=True):
    """Required checks that were not run.

    Attributes:
        reason: "not representative", "another shard", "not selected" or "interrupted".
        codes: Which.
    """

    reason: str
    codes: tuple[str, ...]


class Measured(Struct, frozen=True):
    """What was measured of a model; None for what was not.

    Attributes:
        parameters: How many it has.
        load_seconds: How long building it without weights took.
        forward_seconds: How long its first run on the example input took.
        memory_bytes: The most memory that building it, and running it where level 3 ran, took in a
            process of its own.
    """

    parameters: int | None = None
    load_seconds: float | None = None
    forward_seconds: float | None = None
    memory_bytes: int | None = None


class CaseResult(Struct, frozen=True):
    """What became of one way to call an entrypoint, or of the repo as a whole.

    Attributes:
        entrypoint: Its name; "" for the repo as a whole.
        case: Tells several ways to call it apart; "" when there is only one.
        kind: What it gives back.
        call: The call that was made, "" when none was.
        checks: What ran, by code.
        unexercised: What did not.
        input: Where its example input came from, "" when it was not run.
        provisional: Whether that was a guess.
        measured: Size, time and memory.
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

    @property
    def label(self) -> str:
        """The entrypoint's name, with the case's when it has one."""
        return f"{self.entrypoint}[{self.case}]" if self.case else self.entrypoint

    @property
    def supported(self) -> tuple[CheckResult, ...]:
        """Features that are there."""
        return tuple(one for one in self.checks if not one.required and one.outcome == "passed")

    @property
    def unsupported(self) -> tuple[CheckResult, ...]:
        """Features that are not."""
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
        """Codes of a level's checks with one of the outcomes; of features only those that failed.

        Args:
            level: The level.
            *outcomes: The outcomes.
        """
        return tuple(
            one.code
            for one in self.checks
            if one.level == level
            and one.outcome in outcomes
            and (one.required or one.outcome == "failed")
        )

    def missed(self, level: int) -> tuple[str, ...]:
        """Codes of a level's required checks that did not run.

        Args:
            level: The level.
        """
        codes = (code for one in self.unexercised for code in one.codes)
        return tuple(code for code in codes if code.startswith(f"C{level}"))

    def verdict(self, level: int) -> Verdict:
        """Whether a level was reached.

        Args:
            level: The level.
        """
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

    def is_left_to_others(self, level: int) -> bool:
        """Whether a level was not exercised because other entrypoints stand for this one.

        Args:
            level: The level.
        """
        missed = self.missed(level)
        others = [one for one in self.unexercised if one.reason == NOT_REPRESENTATIVE]
        return bool(missed) and set(missed) <= {code for one in others for code in one.codes}


class ConformanceReport(Struct, frozen=True):
    """One run of the conformance suite.

    Attributes:
        created: When it ended, in UTC, as ISO 8601 has it.
        repo: "owner/name" where git tells, else the folder's name.
        commit: The commit that was checked out; "" without one.
        uncommitted: How many files differ from it; None when that is not known.
        digest: "sha256:" and a digest of the commit's files as an archive has them, the one that
            hubkit.lock holds; "" without a commit.
        environment: Versions and platform, such as "torch".
        policy: What the run was allowed and asked to do, such as "network".
        whole: The checks of the repo as a whole.
        lint: What became of ``hubkit check``; "" when it did not run.
        cases: Entrypoints, in the order of the hubconf.
        interrupted: Whether the run ended before its end.
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

    @property
    def level(self) -> int:
        """The highest level that the repo and all its entrypoints reached; 0 for none.

        Where others stand for an entrypoint, those count.
        """
        reached = 0
        for level in LEVELS:
            judged = [one for one in self.cases if not one.is_left_to_others(level)]
            if not judged or any(one.level < level for one in judged):
                return reached
            # Not every level has checks of the repo as a whole.
            if self.whole.missed(level) or self.whole.verdict(level) not in (*_FINE, "omitted"):
                return reached
            reached = level
        return reached
