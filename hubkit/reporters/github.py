"""For GitHub Actions: workflow commands that annotate the changed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.reporters.text import format_summary

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from hubkit.facts import Finding, Report

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
# GitHub shows about ten annotations of a kind for a step, so the worst come first.
_ORDER = ("error", "warning", "info")


def write_report(report: Report, root: Path, stream: TextIO) -> None:  # noqa: ARG001
    """Write a report as workflow commands, and the summary as a plain line.

    Args:
        report: What was found.
        root: Not looked at: GitHub wants paths relative to the checkout, which the findings have.
        stream: Where to.
    """
    for finding in sorted(report.findings, key=lambda found: _ORDER.index(found.severity)):
        stream.write(_command(finding) + "\n")
    stream.write(format_summary(report) + "\n")


def _command(finding: Finding) -> str:
    fields = {"title": f"hubkit {finding.code}"}
    place = finding.location
    if place is not None:
        fields |= {"file": place.path, "line": str(place.line), "col": str(place.column)}
        if place.end_line:
            fields["endLine"] = str(place.end_line)
    listed = ",".join(f"{name}={_escape(value, ':,')}" for name, value in fields.items())
    text = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    return f"::{_LEVELS[finding.severity]} {listed}::{_escape(text)}"


def _escape(text: str, special: str = "") -> str:
    """Escape as GitHub's own toolkit does: percent, line ends, and in fields colon and comma."""
    for character in "%\r\n" + special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
