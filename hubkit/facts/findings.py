"""What judging a repo yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hubkit.facts.fixes import Fix
    from hubkit.facts.hubconf import Location

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, said by a rule or a check.

    Attributes:
        code: Code of the rule or check, such as "HUB105".
        severity: How bad it is.
        message: What is wrong, in one sentence.
        location: Where, or None when the repo as a whole is meant.
        entrypoint: Name of the entrypoint concerned, or None.
        hint: What to do about it; empty when the message says it all.
        fix: Edits that put it right, or None.
    """

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    entrypoint: str | None = None
    hint: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment ``# hubkit: ignore[CODE] reason``.

    Attributes:
        codes: Codes or prefixes of codes that it covers.
        reason: Why, as the author put it; empty when none was given.
        location: The comment; what it covers is the statement on whose lines it stands.
        first_line: First line that it covers.
        last_line: Last line that it covers.
    """

    codes: tuple[str, ...]
    reason: str
    location: Location
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of linting one repo.

    Attributes:
        findings: What is wrong, sorted by place.
        expected: Findings left out on request, each with the reason that was given.
        codes: Codes of the rules that ran.
    """

    findings: tuple[Finding, ...]
    expected: tuple[tuple[Finding, str], ...]
    codes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 when there is an error or a warning, else 0; infos never fail a run."""
        return int(any(finding.severity != "info" for finding in self.findings))
