"""For people: each finding with its source line, and a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import display_width, printable
from hubkit.reporters.pasting import format_ignore_block
from hubkit.reporters.wording import (
    format_fixable,
    format_left_out,
    format_mark,
    format_place,
    format_summary,
    paint,
    use_color,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from hubkit.facts import Finding, Location, Report

_WIDEST = 120  # characters of a source line that are shown


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report for people.

    Args:
        report: The report.
        stream: The stream.
    """
    color = use_color(stream)
    for finding in report.findings:
        for line in (*_lines(finding, report, color=color), ""):
            write_line(stream, line)
    for line in (*format_left_out(report), *format_ignore_block(report)):
        write_line(stream, line)
    for line in (*format_fixable(report), format_summary(report)):
        write_line(stream, line)


def format_finding(finding: Finding, report: Report, *, color: bool = False) -> str:
    """One finding with its location, source line and hint.

    Args:
        finding: The finding.
        report: The report that contains it.
        color: Whether to use colors.
    """
    return "\n".join(_lines(finding, report, color=color))


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
