"""For GitHub Actions: one workflow command per finding, which becomes an annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import without_commands
from hubkit._util.text import printable
from hubkit.reporters.concise import format_line
from hubkit.reporters.text import format_counts, format_summary, sort_by_severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from hubkit.facts import Finding, Report

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
# GitHub shows ten annotations of a severity per step and silently drops the rest.
MOST = 10


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as workflow commands; findings that GitHub would drop as plain log lines."""
    annotated, rest = _part(sort_by_severity(report.findings))
    for finding in annotated:
        stream.write(_command(finding, report.slug(finding.code)) + "\n")
    if rest:
        stream.write(
            f"Not annotated: {format_counts(rest)}. GitHub shows {MOST} annotations per severity.\n"
        )
    for finding in rest:
        stream.write(f"  {without_commands(format_line(finding), always=True)}\n")
    stream.write(format_summary(report) + "\n")


def _part(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings that GitHub shows, and the others."""
    shown: dict[str, list[Finding]] = {}
    rest: list[Finding] = []
    for finding in findings:
        same = shown.setdefault(finding.severity, [])
        (same if len(same) < MOST else rest).append(finding)
    return [finding for same in shown.values() for finding in same], rest


def _command(finding: Finding, name: str) -> str:
    listed = ",".join(f"{key}={_escape(value, ':,')}" for key, value in _fields(finding, name))
    text = "\n".join(printable(part) for part in (finding.message, finding.hint) if part)
    return f"::{_LEVELS[finding.severity]} {listed}::{_escape(text)}"


def _fields(finding: Finding, name: str) -> Iterator[tuple[str, str]]:
    yield "title", f"hubkit {finding.code} {name}".rstrip()
    place = finding.location
    if place is None:
        return
    yield "file", printable(place.path)
    yield "line", str(place.line)
    if place.end_line:
        yield "endLine", str(place.end_line)
    yield "col", str(place.column)
    if place.end_line == place.line and place.end_column > place.column:
        # Ours is behind the last character, GitHub's is the last one.
        yield "endColumn", str(place.end_column - 1)


def _escape(text: str, special: str = "") -> str:
    """Escape like GitHub's toolkit: percent signs, line ends, and in fields colons and commas."""
    for character in "%\r\n" + special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
