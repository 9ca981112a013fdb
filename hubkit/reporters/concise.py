"""For people and editors: one line per finding, ``path:line:column: CODE [*] message``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.colors import Palette
from hubkit._util.console import write_line
from hubkit._util.text import printable
from hubkit.reporters.text import (
    format_fixable,
    format_mark,
    format_summary,
    paint_code,
    paint_place,
)

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report


_PLAIN = Palette()


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report, one line per finding."""
    palette = Palette(stream)
    for finding in report.findings:
        write_line(stream, format_line(finding, palette))
    for line in (*format_fixable(report), format_summary(report)):
        write_line(stream, line)


def format_line(finding: Finding, palette: Palette = _PLAIN) -> str:
    """One finding on one line."""
    place = paint_place(finding.location, palette)
    code = paint_code(finding.code, finding.severity, palette)
    return f"{place} {code} {format_mark(finding)}{printable(finding.message)}"
