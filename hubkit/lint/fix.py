"""Apply fixes and lint again, until no fix is left that helps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit.lint.patch import FileChange, PatchError, apply_edits, require_parses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hubkit.facts import Edit, Finding, Report

    Lint = Callable[[Mapping[str, bytes]], Report]
    Read = Callable[[str], bytes]


# Fixes that stand in one another's way take a pass each; real repos need three or four.
_MAX_PASSES = 50


class Outcome(Struct, frozen=True):
    """What fixing came to.

    Attributes:
        changes: Files that change, by path.
        fixed: Findings that are gone.
        failed: Findings whose fix was made and taken back, each with what was wrong with it.
        unsafe: How many more there are fixes for that were not asked for.
        report: What is found after the changes.
    """

    changes: Mapping[str, FileChange]
    fixed: tuple[Finding, ...]
    failed: tuple[tuple[Finding, str], ...]
    unsafe: int
    report: Report


def fix_findings(lint: Lint, read: Read, *, unsafe: bool = False) -> Outcome:
    """Fix what can be fixed, without writing anything.

    Args:
        lint: Judges the repo with some of its files' bytes replaced.
        read: A file's bytes, by its path from the root.
        unsafe: Whether to make unsafe fixes too.
    """
    session = _Session(lint, read, unsafe)
    report = lint({})
    for _ in range(_MAX_PASSES):
        chosen = session.choose(report)
        if not chosen:
            break
        report = session.advance(report, chosen)
    return session.outcome(report)


class _Session(Struct):
    """The files as they are so far, and which findings came to what."""

    lint: Lint
    read: Read
    unsafe: bool
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    fixed: list[Finding] = field(default_factory=list)
    failed: dict[object, tuple[Finding, str]] = field(default_factory=dict)

    def choose(self, report: Report) -> list[Finding]:
        """Findings whose fixes can be made together."""
        chosen: list[Finding] = []
        taken: list[tuple[Edit, bool]] = []
        # What changes a signature (HUB2xx) comes before what says it in a docstring (HUB3xx).
        for finding in sorted(report.findings, key=lambda one: one.code):
            fix = finding.fix
            if fix is None or _identity(finding) in self.failed:
                continue
            if fix.applicability == "unsafe" and not self.unsafe:
                continue
            if any(_share_entrypoint(finding, other) for other in chosen):
                continue
            alone = len(fix.edits) == 1
            if not any(_clash(edit, alone, *other) for edit in fix.edits for other in taken):
                chosen.append(finding)
                taken += [(edit, alone) for edit in fix.edits]
        return chosen

    def advance(self, report: Report, chosen: Sequence[Finding]) -> Report:
        """Make the fixes and judge again; those that break something or do not help are not made."""
        made, patched = self._patch(chosen)
        if not made:
            return report
        files = self.after | patched
        new = self.lint(files)
        useless = _useless(made, report, new)
        if useless:
            for finding in useless:
                self._fail(finding, "the same is found with it")
            return self.advance(report, [one for one in made if one not in useless])
        self.after = files
        self.fixed += made
        return new

    def outcome(self, report: Report) -> Outcome:
        changes = {
            path: FileChange(self.before[path], data)
            for path, data in sorted(self.after.items())
            if data != self.before[path]
        }
        more = sum(
            finding.fix is not None
            and finding.fix.applicability == "unsafe"
            and _identity(finding) not in self.failed
            for finding in report.findings
        )
        left = tuple(self._without_failed(finding) for finding in report.findings)
        return Outcome(
            changes=changes,
            fixed=tuple(self.fixed),
            failed=tuple(self.failed.values()),
            unsafe=0 if self.unsafe else more,
            report=replace(report, findings=left),
        )

    def _patch(self, chosen: Sequence[Finding]) -> tuple[list[Finding], dict[str, bytes]]:
        """Make all fixes at once, or, where that breaks a file, those that do not."""
        patched, _ = self._try(chosen)
        if patched is not None:
            return list(chosen), patched
        good: list[Finding] = []
        files: dict[str, bytes] = {}
        for finding in chosen:
            patched, reason = self._try([*good, finding])
            if patched is None:
                self._fail(finding, reason)
            else:
                good, files = [*good, finding], patched
        return good, files

    def _try(self, chosen: Iterable[Finding]) -> tuple[dict[str, bytes] | None, str]:
        """The files with fixes made, or None and what is wrong with them."""
        try:
            return self._apply(chosen), ""
        except (PatchError, OSError) as error:
            return None, str(error)

    def _apply(self, chosen: Iterable[Finding]) -> dict[str, bytes]:
        edits: dict[str, list[Edit]] = {}
        for finding in chosen:
            for edit in finding.fix.edits if finding.fix else ():
                edits.setdefault(edit.location.path, []).append(edit)
        patched: dict[str, bytes] = {}
        for path, listed in edits.items():
            if path not in self.before:
                self.before[path] = self.read(path)
            data = self.after.get(path, self.before[path])
            patched[path] = apply_edits(path, data, listed)
            require_parses(path, patched[path])
        return patched

    def _fail(self, finding: Finding, reason: str) -> None:
        self.failed[_identity(finding)] = finding, reason

    def _without_failed(self, finding: Finding) -> Finding:
        return replace(finding, fix=None) if _identity(finding) in self.failed else finding


def _identity(finding: Finding) -> tuple[str, str, str]:
    """What stays of a finding when lines move."""
    return finding.code, finding.message, finding.location.path if finding.location else ""


def _share_entrypoint(finding: Finding, other: Finding) -> bool:
    """Whether one rule's fix may have been written for an entrypoint that another's changes."""
    is_same = finding.entrypoint is not None and finding.entrypoint == other.entrypoint
    return is_same and finding.code != other.code


def _clash(edit: Edit, alone: bool, other: Edit, other_alone: bool) -> bool:
    """Whether only one of two edits can be made."""
    a, b = edit.location, other.location
    if a.path != b.path:
        return False
    start, end = (a.line, a.column), (a.end_line, a.end_column)
    other_start, other_end = (b.line, b.column), (b.end_line, b.end_column)
    if edit.is_insertion and other.is_insertion:
        # Two items appended to one list are both in it, if each is all that its fix does.
        return start == other_start and not (alone and other_alone)
    if edit.is_insertion or other.is_insertion:
        return (
            other_start <= start <= other_end if edit.is_insertion else start <= other_start <= end
        )
    return start < other_end and other_start < end


def _useless(made: Sequence[Finding], before: Report, after: Report) -> list[Finding]:
    """Fixes after which the same is found as often as before."""
    had, has, done = _counts(before.findings), _counts(after.findings), _counts(made)
    suspects = [
        one for one in made if has[_identity(one)] > had[_identity(one)] - done[_identity(one)]
    ]
    edits = [edit for one in made for edit in (one.fix.edits if one.fix else ())]
    still = {(_identity(one), one.location.line if one.location else 0) for one in after.findings}
    # Of several alike it is the one that is found where it has moved to.
    sure = [one for one in suspects if (_identity(one), _moved(one, edits)) in still]
    return sure or suspects


def _moved(finding: Finding, edits: Iterable[Edit]) -> int:
    """The line on which a finding stands once edits are made."""
    place = finding.location
    if place is None:
        return 0
    line = place.line
    for edit in edits:
        spot = edit.location
        if spot.path == place.path and (spot.end_line, spot.end_column) <= (
            place.line,
            place.column,
        ):
            line += edit.text.count("\n") - (spot.end_line - spot.line)
    return line


def _counts(findings: Iterable[Finding]) -> Counter[tuple[str, str, str]]:
    return Counter(map(_identity, findings))
