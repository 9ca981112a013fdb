"""What linting a repo yields: findings, suppressions, fixes, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts.hubconf import Location

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # the worst first
INTERNAL_ERROR = "HUB900"  # a rule stopped, so the repo was not judged by it


class Finding(Struct, frozen=True):
    """One thing that is wrong, said by a rule or a check.

    Attributes:
        code: Code of the rule or check, such as "HUB105".
        severity: How bad it is.
        message: What is wrong, in one sentence.
        location: Where, or None when the repo as a whole is meant.
        entrypoint: Name of the entrypoint concerned, or None.
        hint: What to do about it; empty when the message says it all.
        fix: Edits that put it right, or None.
        fingerprint: The same for the same mistake when lines move; empty until a report is made.
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
        codes: Codes or prefixes of codes that it covers.
        reason: Why, as the author put it; empty when none was given.
        location: The comment; what it covers is the statement on whose lines it stands.
        first_line: First line that it covers.
        last_line: Last line that it covers.
        whole_file: Whether it is a ``file-ignore``, which covers the file that it stands in.
    """

    codes: tuple[str, ...]
    reason: str
    location: Location
    first_line: int
    last_line: int
    whole_file: bool = False


class LeftOut(Struct, frozen=True):
    """A finding that is not reported as one.

    Attributes:
        finding: The finding.
        reason: Why, as its author put it; empty when no reason was given.
        by: What asked for it: a comment at the place, a setting, or the baseline.
    """

    finding: Finding
    reason: str
    by: Literal["comment", "setting", "baseline"]


class RuleFacts(Struct, frozen=True):
    """What a report says about a rule.

    Attributes:
        code: Such as "HUB105".
        slug: Its name in words.
        severity: How bad its findings usually are.
        summary: What it finds, in one line.
        explanation: What, why it bites, bad and good.
    """

    code: str
    slug: str
    severity: Severity
    summary: str
    explanation: str


class KnownFinding(Struct, frozen=True):
    """An entry of a baseline.

    Attributes:
        fingerprint: The finding's.
        code: Its rule's code.
        path: Its file; empty when the repo as a whole is meant.
        message: What was wrong, for whoever reads the baseline.
    """

    fingerprint: str
    code: str
    path: str
    message: str


class Report(Struct, frozen=True):
    """The outcome of linting one repo.

    Attributes:
        findings: What is wrong, sorted by place.
        left_out: Findings left out on request.
        rules: The rules that ran to their end.
        fail_on: The least severity that fails the run; "never" when none does.
        lines: The source lines that the findings are about, by path and number.
        fixed: Entries of the baseline that are no longer found.
        config: The file that holds the repo's configuration, or would; empty for a repo that is
            somebody else's to configure.
        ignores: The table in it that more ignores belong in, such as "tool.hubkit.ignore".
        root: The folder that was read.
    """

    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    rules: tuple[RuleFacts, ...]
    fail_on: Severity | Literal["never"] = "warning"
    lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    fixed: tuple[KnownFinding, ...] = ()
    config: str = "hubkit.toml"
    ignores: str = "ignore"
    root: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the rules that ran."""
        return tuple(rule.code for rule in self.rules)

    @property
    def exit_code(self) -> int:
        """2 when a rule stopped, 1 when a finding is as bad as ``fail_on`` or worse, else 0."""
        if self.stopped:
            return 2
        return int(any(self.fails(finding) for finding in self.findings))

    @property
    def stopped(self) -> tuple[Finding, ...]:
        """What is said about rules that stopped: no finding about the repo."""
        return tuple(one for one in self.findings if one.code == INTERNAL_ERROR)

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is bad enough to fail the run; that a rule stopped always is."""
        if finding.code == INTERNAL_ERROR:
            return True
        if self.fail_on == "never":
            return False
        return SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)

    def line(self, location: Location) -> str:
        """The source line at a place; empty when it is not known."""
        return self.lines.get((location.path, location.line), "")


Applicability = Literal["safe", "unsafe"]
# Whether a rule's findings can be fixed: every one, some, or none.
Fixable = Literal["always", "sometimes", "never"]


class Edit(Struct, frozen=True):
    """A replacement of text; an insertion when the place is empty.

    Attributes:
        location: What is replaced; its ends are always known.
        text: What stands there then; its line ends become those of the file.
    """

    location: Location
    text: str

    @property
    def is_insertion(self) -> bool:
        """Whether nothing is taken away."""
        place = self.location
        return (place.line, place.column) == (place.end_line, place.end_column)


class Fix(Struct, frozen=True):
    """Edits that belong together: all are made, or none.

    Attributes:
        message: What they do, as an imperative clause.
        applicability: "safe" when the code does the same otherwise, "unsafe" when that is for its
            author to judge.
        edits: In the order of their places.
    """

    message: str
    applicability: Applicability
    edits: tuple[Edit, ...]
