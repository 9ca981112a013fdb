"""For a pull request or a step's summary: a table in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.reporters.wording import (
    format_counts,
    format_left_out,
    format_summary,
    sort_by_severity,
    to_printable,
)

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report

# GitHub refuses a step's summary beyond 1 MiB; nobody reads further than this anyway.
MOST = 100


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as Markdown, the worst findings first.

    Args:
        report: What was found.
        stream: Where to.
    """
    stream.write("### hubkit check\n\n")
    findings = sort_by_severity(report.findings)
    if findings:
        stream.write("| | Where | What | What to do |\n| --- | --- | --- | --- |\n")
    for finding in findings[:MOST]:
        stream.write(_row(finding) + "\n")
    if findings[MOST:]:
        stream.write(f"\nand {format_counts(findings[MOST:])} more.\n")
    if findings:
        stream.write("\n")
    left_out = list(format_left_out(report))
    if left_out:
        stream.write(f"<details><summary>{len(report.left_out)} left out on request</summary>\n\n")
        stream.writelines(f"- {_escape(line)}\n" for line in left_out)
        stream.write("\n</details>\n\n")
    stream.write(f"{format_summary(report)}\n")


def _row(finding: Finding) -> str:
    place = finding.location
    where = f"`{_in_code(f'{place.path}:{place.line}')}`" if place else "the repo"
    what, help_ = _escape(finding.message), _escape(finding.hint)
    return f"| {finding.severity}&nbsp;{finding.code} | {where} | {what} | {help_} |"


def _in_code(text: str) -> str:
    """A cell's text between backticks, where only they and the cell's border mean something."""
    return to_printable(text).replace("`", "'").replace("|", "\\|")


def _escape(text: str) -> str:
    """A cell's text; what messages put between backticks stays code."""
    parts = to_printable(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is no pair's
        parts = ["'".join(parts)]
    escaped = [
        _in_code(part) if number % 2 else _escape_prose(part) for number, part in enumerate(parts)
    ]
    return "`".join(escaped)


def _escape_prose(text: str) -> str:
    for character in "\\|*_[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;")
