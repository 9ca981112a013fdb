"""Shared by several formats: locations, paths, counts, colors, the summary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit._util.text import Painted, plural, printable
from hubkit.facts import SEVERITIES, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit._util.colors import Palette
    from hubkit.facts import Finding, Report, Severity


WHOLE_REPO = Location("hubconf.py")
"""The place of findings about the whole repo, in formats whose consumers require one."""


def format_summary(report: Report) -> str:
    """The last line: "All checks passed." or the number of findings per severity."""
    counts = format_counts(report.findings)
    left_out = f" ({len(report.suppressed)} suppressed)" if report.suppressed else ""
    return f"Found {counts}{left_out}." if counts else f"All checks passed{left_out}."


def format_counts(findings: Iterable[Finding]) -> str:
    """The number of findings per severity, such as "2 errors, 1 warning"; "" for none."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(
        plural(counts[severity], severity) for severity in SEVERITIES if counts[severity]
    )


def format_suppressed(report: Report) -> Iterator[str]:
    """The suppressed findings, one line per code and reason."""
    counts = Counter(
        (one.finding.code, one.reason or "no reason given")
        for one in report.suppressed
        if one.by != "baseline"
    )
    for (code, reason), count in sorted(counts.items()):
        times = f" {count} times" if count > 1 else ""
        yield printable(f"{code} suppressed{times}: {reason}")
    known = sum(one.by == "baseline" for one in report.suppressed)
    if known:
        yield f"{plural(known, 'finding')} suppressed by the baseline"
    for entry in report.fixed:
        where = f" in {entry.path}" if entry.path else ""
        yield printable(
            f"{entry.code} is in the baseline but was not found{where}: {entry.message}"
        )
    if report.fixed:
        yield "To remove it from the baseline, run with --update-baseline."


def format_mark(finding: Finding) -> str:
    """``[*] `` if ``--fix`` fixes the finding."""
    return "[*] " if finding.fix is not None and finding.fix.applicability == "safe" else ""


def format_fixable(report: Report) -> Iterator[str]:
    """A line on available fixes; none for repos that the user cannot change."""
    counts = Counter(one.fix.applicability for one in report.findings if one.fix is not None)
    safe, unsafe = counts["safe"], counts["unsafe"]
    if safe and report.config:
        more = f", {unsafe} more with `--unsafe-fixes`" if unsafe else ""
        yield f"[*] {safe} fixable with `--fix`{more}."


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The most severe first; otherwise the order is kept."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def paint_place(location: Location | None, palette: Palette) -> Painted:
    """``path:line:column:`` with a bold path, or ``(repo):``."""
    if location is None:
        return Painted("(repo):")
    path = palette.paint(location.path, "bold")
    return Painted(f"{path}:{location.line}:{location.column}:")


def paint_code(code: str, severity: Severity, palette: Palette, *, text: str = "") -> Painted:
    """The code of a rule in the color of a severity, linked to the page of the rule.

    Args:
        code: The code.
        severity: The severity.
        palette: How to paint.
        text: The text, if it is more than the code.
    """
    return palette.link(code, palette.paint(text or code, severity))


# Paths


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
