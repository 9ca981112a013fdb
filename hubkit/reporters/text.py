"""For people: each finding with the line that it is about, and a last line that sums up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from hubkit.facts import Finding, Location, Report

_COLORS = {"error": "31", "warning": "33", "info": "36"}
_SEVERITIES = ("error", "warning", "info")
_WIDEST = 120  # characters of a source line that are shown


def write_report(report: Report, root: Path, stream: TextIO) -> None:
    """Write a report for people.

    Args:
        report: What was found.
        root: The folder that the findings' paths start from.
        stream: Where to; in colour when it is a terminal and ``NO_COLOR`` is not set.
    """
    color = stream.isatty() and not os.environ.get("NO_COLOR")
    for finding in report.findings:
        stream.write(format_finding(finding, root, color=color) + "\n\n")
    for finding, reason in report.expected:
        why = reason or "no reason given"
        stream.write(f"{_place(finding.location)} {finding.code} left out: {why}\n")
    stream.write(format_summary(report) + "\n")


def format_finding(finding: Finding, root: Path, *, color: bool = False) -> str:
    """One finding with its place, the line that it is about and what to do.

    Args:
        finding: The finding.
        root: The folder that its path starts from.
        color: Whether to use terminal colours.
    """
    return "\n".join(_lines(finding, root, color=color))


def format_summary(report: Report) -> str:
    """The last line: "All checks passed." or how many findings of each severity there are."""
    counts = [
        (severity, sum(finding.severity == severity for finding in report.findings))
        for severity in _SEVERITIES
    ]
    parts = [f"{count} {name}{'s' * (count != 1)}" for name, count in counts if count]
    left_out = f" ({len(report.expected)} left out on request)" if report.expected else ""
    return f"Found {', '.join(parts)}{left_out}." if parts else f"All checks passed{left_out}."


def _lines(finding: Finding, root: Path, *, color: bool) -> Iterator[str]:
    code = f"{finding.severity}[{finding.code}]"
    if color:
        code = f"\033[1;{_COLORS[finding.severity]}m{code}\033[0m"
    yield f"{_place(finding.location)} {code} {finding.message}"
    if finding.location is not None:
        yield from _excerpt(finding.location, root)
    if finding.hint:
        yield f"  help: {finding.hint}"


def _place(location: Location | None) -> str:
    return f"{location.path}:{location.line}:{location.column}:" if location else "(repo):"


def _excerpt(location: Location, root: Path) -> Iterator[str]:
    """The line of source, and carets below what is meant."""
    line = _read_line(root / location.path, location.line)
    if not line.strip():
        return
    text = line.expandtabs(1)[:_WIDEST]
    start = min(max(location.column, 1), len(text) or 1)
    ends_here = location.end_line == location.line
    end = location.end_column if ends_here else len(text.rstrip()) + 1
    carets = "^" * max(1, min(end, len(text) + 1) - start)
    number = str(location.line)
    yield f"  {number} | {text}"
    yield f"  {' ' * len(number)} | {' ' * (start - 1)}{carets}"


def _read_line(path: Path, number: int) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1] if 0 < number <= len(lines) else ""
