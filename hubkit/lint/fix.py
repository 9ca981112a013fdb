"""Apply fixes and check again, until no fix is left that helps."""

from __future__ import annotations

import sys
from bisect import bisect_right, insort
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit.lint.patch import FileChange, PatchError, apply_edits, require_parses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hubkit.facts import Edit, Finding, Location, Report

    Lint = Callable[[Mapping[str, bytes]], Report]
    Read = Callable[[str], bytes]
    Identity = tuple[str, str, str]
    Position = tuple[int, int]

# Fixes that conflict take a pass each; real repos need three or four.
_MAX_PASSES = 50
_END = sys.maxsize, 0
_START = 0, 0  # the position of findings without a location


class Outcome(Struct, frozen=True):
    """The result of fixing.

    Attributes:
        changes: The changed files, by path.
        fixed: The fixed findings.
        failed: Findings whose fix was reverted, each with the reason.
        unsafe: The number of unsafe fixes that were not applied.
        report: The report on the changed files.
    """

    changes: Mapping[str, FileChange]
    fixed: tuple[Finding, ...]
    failed: tuple[tuple[Finding, str], ...]
    unsafe: int
    report: Report


def fix_findings(lint: Lint, read: Read, *, unsafe: bool = False) -> Outcome:
    """Compute the fixes of a repo without writing anything.

    Args:
        lint: Checks the repo with the contents of some files replaced; computes fixes.
        read: Reads a file, by its path from the root.
        unsafe: Whether to apply unsafe fixes too.
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
    """The current contents of the files, the fixed findings and the failed fixes.

    Attributes:
        lint: Checks the repo with the contents of some files replaced.
        read: Reads a file.
        unsafe: Whether to apply unsafe fixes too.
        before: The original contents.
        after: The current contents.
        fixed: The fixed findings.
        failed: Failed fixes by identity and current position of their finding.
    """

    lint: Lint
    read: Read
    unsafe: bool
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    fixed: list[Finding] = field(default_factory=list)
    failed: dict[tuple[Identity, Position], tuple[Finding, str]] = field(default_factory=dict)

    def choose(self, report: Report) -> list[Finding]:
        """Choose fixes that can be applied together."""
        chosen: list[Finding] = []
        taken = _TakenEdits()
        codes: dict[str, str] = {}  # by entrypoint
        # A fix of a signature (HUB2xx) comes before that of the docstring (HUB3xx).
        for finding in sorted(report.findings, key=lambda one: one.code):
            fix, name = finding.fix, finding.entrypoint
            if fix is None or self._has_failed(finding):
                continue
            if fix.applicability == "unsafe" and not self.unsafe:
                continue
            # The fix of one rule may depend on an entrypoint that the fix of another changes.
            if name is not None and codes.get(name, finding.code) != finding.code:
                continue
            if taken.add(fix.edits):
                chosen.append(finding)
                if name is not None:
                    codes[name] = finding.code
        return chosen

    def advance(self, report: Report, chosen: Sequence[Finding]) -> Report:
        """Apply fixes and check again; revert those that break a file or do not help."""
        applied, patched = self._patch(chosen)
        if not applied:
            return report
        files = self.after | patched
        new = self.lint(files)
        moves = _Moves(edit for one in applied for edit in (one.fix.edits if one.fix else ()))
        useless = _find_useless(applied, report, new, moves)
        if useless:
            for finding in useless:
                self._fail(finding, "the finding is still reported")
            reverted = {id(one) for one in useless}
            return self.advance(report, [one for one in applied if id(one) not in reverted])
        self.after = files
        self.fixed += applied
        self.failed = {
            (identity, moves.shift(finding.location, position)): (finding, reason)
            for (identity, position), (finding, reason) in self.failed.items()
        }
        return new

    def outcome(self, report: Report) -> Outcome:
        changes = {
            path: FileChange(self.before[path], data)
            for path, data in sorted(self.after.items())
            if data != self.before[path]
        }
        unsafe = sum(
            finding.fix is not None
            and finding.fix.applicability == "unsafe"
            and not self._has_failed(finding)
            for finding in report.findings
        )
        findings = tuple(
            replace(finding, fix=None) if self._has_failed(finding) else finding
            for finding in report.findings
        )
        return Outcome(
            changes=changes,
            fixed=tuple(self.fixed),
            failed=tuple(self.failed.values()),
            unsafe=0 if self.unsafe else unsafe,
            report=replace(report, findings=findings),
        )

    def _patch(self, chosen: Sequence[Finding]) -> tuple[list[Finding], dict[str, bytes]]:
        """Apply all fixes at once; if that breaks a file, halve them to find the bad ones."""
        applied: list[Finding] = []
        files: dict[str, bytes] = {}
        pending = [list(chosen)]
        while pending:
            part = pending.pop()
            patched, reason = self._try([*applied, *part])
            if patched is not None:
                applied, files = [*applied, *part], patched
            elif len(part) == 1:
                self._fail(part[0], reason)
            else:
                half = len(part) // 2
                pending += [part[half:], part[:half]]
        return applied, files

    def _try(self, chosen: Iterable[Finding]) -> tuple[dict[str, bytes] | None, str]:
        """The patched files, or None and the reason."""
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
        self.failed[_identity(finding), _position(finding)] = finding, reason

    def _has_failed(self, finding: Finding) -> bool:
        return (_identity(finding), _position(finding)) in self.failed


def _identity(finding: Finding) -> Identity:
    """What stays of a finding when lines move. Several findings of a file may share it."""
    return finding.code, finding.message, finding.location.path if finding.location else ""


def _position(finding: Finding) -> Position:
    place = finding.location
    return (place.line, place.column) if place else _START


class _TakenEdits:
    """Edits that are applied together. Those of a file do not overlap and are sorted."""

    def __init__(self) -> None:
        self._by_path: dict[str, list[tuple[Position, Position, bool]]] = {}

    def add(self, edits: Sequence[Edit]) -> bool:
        """Add the edits of a fix; returns False if one of them conflicts with another fix."""
        single = len(edits) == 1
        if any(self._conflicts(edit, single) for edit in edits):
            return False
        for edit in edits:
            start, end = _span(edit)
            insort(self._by_path.setdefault(edit.location.path, []), (start, end, single))
        return True

    def _conflicts(self, edit: Edit, single: bool) -> bool:
        start, end = _span(edit)
        taken = self._by_path.get(edit.location.path, [])
        for index in range(bisect_right(taken, (end, _END, True)) - 1, -1, -1):
            other_start, other_end, other_single = taken[index]
            if other_end < start:
                return False
            if start == end and other_start == other_end:
                # Two items can be appended to a list if each is all that its fix does.
                if start == other_start and not (single and other_single):
                    return True
            elif (
                start == end
                or other_start == other_end
                or (start < other_end and other_start < end)
            ):
                return True
        return False


def _span(edit: Edit) -> tuple[Position, Position]:
    place = edit.location
    return (place.line, place.column), (place.end_line, place.end_column)


class _Moves:
    """How applied edits move the positions behind them."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        by_path: dict[str, list[Edit]] = {}
        for edit in edits:
            by_path.setdefault(edit.location.path, []).append(edit)
        self._edits = {
            path: sorted(listed, key=lambda one: _span(one)[1]) for path, listed in by_path.items()
        }
        self._ends = {
            path: [_span(one)[1] for one in listed] for path, listed in self._edits.items()
        }
        self._lines = {
            path: [0, *accumulate(map(_added_lines, listed))]
            for path, listed in self._edits.items()
        }

    def shift(self, place: Location | None, position: Position) -> Position:
        """The new position of a place in a file."""
        if place is None or place.path not in self._ends:
            return position
        line, column = position
        index = bisect_right(self._ends[place.path], position)
        moved = line + self._lines[place.path][index]
        for edit in reversed(self._edits[place.path][:index]):
            spot = edit.location
            if spot.end_line != line:
                break
            column += len(edit.text.rpartition("\n")[2]) - spot.end_column
            column += 1 if "\n" in edit.text else spot.column
            if spot.line != line or "\n" in edit.text:
                break
        return moved, column


def _added_lines(edit: Edit) -> int:
    return edit.text.count("\n") - (edit.location.end_line - edit.location.line)


def _find_useless(
    applied: Sequence[Finding], before: Report, after: Report, moves: _Moves
) -> list[Finding]:
    """Findings that are reported as often as before their fix."""
    had, has, done = _count(before.findings), _count(after.findings), _count(applied)
    suspects = [
        one for one in applied if has[_identity(one)] > had[_identity(one)] - done[_identity(one)]
    ]
    remaining = {(_identity(one), _position(one)[0]) for one in after.findings}
    # Of several equal findings, those that are reported where the edits moved them.
    certain = [
        one
        for one in suspects
        if (_identity(one), moves.shift(one.location, _position(one))[0]) in remaining
    ]
    return certain or suspects


def _count(findings: Iterable[Finding]) -> Counter[Identity]:
    return Counter(map(_identity, findings))
