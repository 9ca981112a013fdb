"""The number of findings per rule, the most frequent first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hubkit._util.colors import Palette
from hubkit.reporters.text import format_summary, paint_code

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Report


def write_report(report: Report, stream: TextIO) -> None:
    """Write a table: count, code, name."""
    palette = Palette(stream)
    severities = {finding.code: finding.severity for finding in report.findings}
    counts = Counter(finding.code for finding in report.findings)
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    width = max((len(str(count)) for count in counts.values()), default=0)
    for code, count in ordered:
        painted = paint_code(code, severities[code], palette)
        stream.write(f"{count:{width}}  {painted}  {report.slug(code)}\n")
    stream.write(format_summary(report) + "\n")
