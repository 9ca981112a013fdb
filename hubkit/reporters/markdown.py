"""For pull requests and step summaries: a Markdown table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import code_span, escape_markdown, table_row
from hubkit.reporters.text import (
    format_counts,
    format_summary,
    format_suppressed,
    sort_by_severity,
)

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report

# GitHub rejects step summaries of more than 1 MiB, and nobody reads that far.
MOST = 100


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as Markdown, the most severe findings first."""
    stream.write("### hubkit check\n\n")
    findings = sort_by_severity(report.findings)
    if findings:
        stream.write("| | Location | Finding | Help |\n| --- | --- | --- | --- |\n")
    for finding in findings[:MOST]:
        stream.write(_row(finding) + "\n")
    if findings[MOST:]:
        stream.write(f"\nand {format_counts(findings[MOST:])} more.\n")
    if findings:
        stream.write("\n")
    left_out = list(format_suppressed(report))
    if left_out:
        stream.write(f"<details><summary>{len(report.suppressed)} suppressed</summary>\n\n")
        stream.writelines(f"- {escape_markdown(line, keep_code=True)}\n" for line in left_out)
        stream.write("\n</details>\n\n")
    write_line(stream, format_summary(report))


def _row(finding: Finding) -> str:
    place = finding.location
    where = code_span(f"{place.path}:{place.line}") if place else "the repo"
    what, help_ = (escape_markdown(one, keep_code=True) for one in (finding.message, finding.hint))
    cells = (f"{finding.severity}&nbsp;{finding.code}", where, what, help_)
    return table_row(cells)
