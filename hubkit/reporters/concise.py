"""For people and editors: one line per finding, ``path:line:column: CODE [*] message``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import printable
from hubkit.reporters.text import (
    format_fixable,
    format_mark,
    format_place,
    format_summary,
    paint,
    use_color,
)

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report, one line per finding."""
    color = use_color(stream)
    for finding in report.findings:
        write_line(stream, format_line(finding, color=color))
    for line in (*format_fixable(report), format_summary(report)):
        write_line(stream, line)


def format_line(finding: Finding, *, color: bool = False) -> str:
    """One finding on one line."""
    code = paint(finding.code, finding.severity, color=color)
    return f"{format_place(finding.location)} {code} {format_mark(finding)}{printable(finding.message)}"
