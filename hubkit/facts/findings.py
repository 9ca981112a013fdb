"""Findings, suppressions, fixes and reports of ``hubkit check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts.hubconf import Location

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # the worst first
INTERNAL_ERROR = "HUB900"  # a rule crashed


class Finding(Struct, frozen=True):
    """A problem that a rule found.

    Attributes:
        code: Code of the rule, such as "HUB105".
        severity: How bad it is.
        message: What is wrong, in one clause.
        location: Where; None for the repo as a whole.
        entrypoint: Name of the entrypoint that it is about, or None.
        hint: What to do about it; may be empty.
        fix: Edits that fix it; None if there are none, or if they were not computed.
        fingerprint: Identifies the finding when lines move; empty until it is in a report.
    """

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    entrypoint: str | None = None
    hint: str = ""
    fix: Fix | None = None
    fingerprint: str = ""


class Suppression(Struct, frozen=True):
    """A comment ``# hubkit: ignore[CODE] reason``.

    Attributes:
        codes: Codes, or prefixes of codes.
        reason: The reason; empty if there is none.
        location: The comment. It covers the statement on the same lines.
        first_line: First line that it covers.
        last_line: Last line that it covers.
        whole_file: Whether it is a ``file-ignore``, which covers the whole file.
    """

    codes: tuple[str, ...]
    reason: str
    location: Location
    first_line: int
    last_line: int
    whole_file: bool = False


class SuppressedFinding(Struct, frozen=True):
    """A finding that was suppressed.

    Attributes:
        finding: The finding, without its fix.
        reason: The reason; empty if there is none.
        by: What suppressed it.
    """

    finding: Finding
    reason: str
    by: Literal["comment", "setting", "baseline"]


class RuleFacts(Struct, frozen=True):
    """A rule, as reports describe it.

    Attributes:
        code: Its code, such as "HUB105".
        slug: Its name, such as "undeclared-import".
        severity: The usual severity of its findings.
        summary: What it finds, in one line.
        explanation: The text that ``hubkit explain`` prints.
        several: What several findings say together, with ``{count}`` for their number; else empty.
    """

    code: str
    slug: str
    severity: Severity
    summary: str
    explanation: str
    several: str = ""


class BaselineEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A finding in a baseline.

    Attributes:
        fingerprint: The fingerprint of the finding.
        code: The code of its rule.
        path: Its file; empty for the repo as a whole.
        message: Its message, for readers of the baseline.
    """

    fingerprint: str
    code: str
    path: str
    message: str


class Report(Struct, frozen=True):
    """The outcome of linting one repo.

    Attributes:
        findings: The findings, sorted by place.
        suppressed: The suppressed findings.
        rules: The rules that ran and did not crash, and HUB900 if one crashed.
        fail_on: The lowest severity that fails the run, or "never".
        lines: The source lines that the findings are about, by path and number.
        fixed: Entries of the baseline that were not found again.
        config: The configuration file of the repo, which may not exist yet; empty for a repo that
            the user cannot change.
        ignores: The table in that file for ignored rules, such as "tool.hubkit.ignore".
        root: The folder that was checked.
        prefix: That folder with a slash at its end, if paths are relative to another one.
    """

    findings: tuple[Finding, ...]
    suppressed: tuple[SuppressedFinding, ...]
    rules: tuple[RuleFacts, ...]
    fail_on: Severity | Literal["never"] = "warning"
    lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    fixed: tuple[BaselineEntry, ...] = ()
    config: str = "hubkit.toml"
    ignores: str = "ignore"
    root: str = ""
    prefix: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the rules that ran and did not crash."""
        return tuple(rule.code for rule in self.rules)

    @property
    def exit_code(self) -> int:
        """2 if a rule crashed, 1 if a finding has at least the severity ``fail_on``, else 0."""
        if self.crashes:
            return 2
        return int(any(self.fails(finding) for finding in self.findings))

    @property
    def crashes(self) -> tuple[Finding, ...]:
        """Findings that report the crash of a rule."""
        return tuple(one for one in self.findings if one.code == INTERNAL_ERROR)

    def fails(self, finding: Finding) -> bool:
        """Whether a finding fails the run; the crash of a rule always does."""
        if finding.code == INTERNAL_ERROR:
            return True
        if self.fail_on == "never":
            return False
        return SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)

    def slug(self, code: str) -> str:
        """The name of a rule that ran; empty for others."""
        return next((rule.slug for rule in self.rules if rule.code == code), "")

    def line(self, location: Location) -> str:
        """The source line at a place; empty if it is not known."""
        return self.lines.get((location.path, location.line), "")


Applicability = Literal["safe", "unsafe"]
# How many of a rule's findings have a fix.
Fixable = Literal["always", "sometimes", "never"]


class Edit(Struct, frozen=True):
    """A replacement of text; an insertion if the place is empty.

    Attributes:
        location: The text to replace; its end is always known.
        text: The new text. Its line ends become those of the file.
    """

    location: Location
    text: str


class Fix(Struct, frozen=True):
    """Edits that are applied together or not at all.

    Attributes:
        message: What they do, as an imperative clause.
        applicability: "safe" if they keep the behavior of the code, "unsafe" if they need a review.
        edits: The edits, sorted by place.
    """

    message: str
    applicability: Applicability
    edits: tuple[Edit, ...]
