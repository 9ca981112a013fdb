"""For people: each finding with its source line, and a summary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import display_width, plural, printable
from hubkit.reporters.text import (
    format_fixable,
    format_mark,
    format_place,
    format_summary,
    format_suppressed,
    paint,
    use_color,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from hubkit.facts import Finding, Location, Report

_WIDEST = 120  # characters of a source line that are shown


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report for people."""
    color = use_color(stream)
    for finding in report.findings:
        for line in (*_lines(finding, report, color=color), ""):
            write_line(stream, line)
    for line in (*format_suppressed(report), *_ignore_table(report)):
        write_line(stream, line)
    for line in (*format_fixable(report), format_summary(report)):
        write_line(stream, line)


def format_finding(finding: Finding, report: Report) -> str:
    """One finding with its location, source line and hint."""
    return "\n".join(_lines(finding, report, color=False))


def _lines(finding: Finding, report: Report, *, color: bool) -> Iterator[str]:
    code = paint(f"{finding.severity}[{finding.code}]", finding.severity, color=color)
    message = format_mark(finding) + printable(finding.message)
    yield f"{format_place(finding.location)} {code} {message}"
    if finding.location is not None:
        yield from _excerpt(finding.location, report.line(finding.location))
    if finding.hint:
        yield f"  help: {printable(finding.hint)}"


def _excerpt(location: Location, line: str) -> Iterator[str]:
    """The source line, with carets below the range."""
    if not line.strip():
        return
    text = line.expandtabs(1)[:_WIDEST]
    start = min(max(location.column, 1), len(text) or 1)
    ends_here = location.end_line == location.line
    end = location.end_column if ends_here else len(text.rstrip()) + 1
    carets = "^" * max(1, min(end, len(text) + 1) - start)
    number = str(location.line)
    before, meant = text[: start - 1], text[start - 1 :]
    yield f"  {number} | {printable(text)}"
    yield f"  {' ' * len(number)} | {' ' * display_width(printable(before))}{'^' * max(1, display_width(printable(meant[: len(carets)])))}"


def _ignore_table(report: Report) -> Iterator[str]:
    """An ignore table for the findings that fail the run.

    Empty if the run passes, and for repos that the user cannot configure.
    """
    stopped = set(report.crashes)
    failing = [one for one in report.findings if report.fails(one) and one not in stopped]
    if not failing or not report.config:
        return
    yield f"To suppress these findings, add the reason to {report.config}:"
    yield ""
    yield f"[{report.ignores}]"
    yield from _ignore_lines(failing, report)
    yield ""


def _ignore_lines(findings: list[Finding], report: Report) -> Iterator[str]:
    """One line ``CODE = "reason"`` per code."""
    for code, count in sorted(Counter(finding.code for finding in findings).items()):
        times = f", {plural(count, 'finding')}" if count > 1 else ""
        yield f'{code} = "reason"  # {report.slug(code)}{times}'
