"""Paths of a report as its reader finds the files: below the folder that was checked, or from above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from hubkit.facts import Finding, Report


def add_prefix(report: Report, prefix: str) -> Report:
    """The report with other paths.

    Args:
        report: A report whose paths are relative to the folder that was checked.
        prefix: That folder with a slash at its end, from where the new paths start; "" changes
            nothing.
    """
    if not prefix:
        return report
    return replace(
        report,
        findings=tuple(_move(one, prefix) for one in report.findings),
        suppressed=tuple(
            replace(one, finding=_move(one.finding, prefix)) for one in report.suppressed
        ),
        lines={(f"{prefix}{path}", line): text for (path, line), text in report.lines.items()},
        fixed=tuple(
            replace(one, path=f"{prefix}{one.path}") if one.path else one for one in report.fixed
        ),
        config=f"{prefix}{report.config}" if report.config else "",
        prefix=prefix,
    )


def _move(finding: Finding, prefix: str) -> Finding:
    place = finding.location
    if place is None:
        return finding
    return replace(finding, location=replace(place, path=f"{prefix}{place.path}"))
