"""For people: findings by cause with their source lines, and a summary."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from hubkit._util.colors import Palette
from hubkit._util.console import write_line
from hubkit._util.text import display_width, plural, printable
from hubkit.reporters.groups import group_findings
from hubkit.reporters.text import (
    format_fixable,
    format_mark,
    format_summary,
    format_suppressed,
    paint_code,
    paint_place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from hubkit.facts import Finding, Location, Report, Severity
    from hubkit.reporters.groups import Group

_WIDEST = 120  # characters of a source line that are shown
_MOST_PLACES = 10  # of one cause
_MOST_HINTS = 3


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report for people."""
    palette = Palette(stream)
    groups = group_findings(report)
    for line in _findings(groups, report, palette):
        write_line(stream, line)
    advice = (*format_suppressed(report), *format_fixable(report), *_first_step(groups))
    table = tuple(_ignore_table(report))
    space = ("",) if advice and table else ()
    for line in (*advice, *space, *table, format_summary(report)):
        write_line(stream, line)


def format_findings(report: Report) -> str:
    """The findings by cause, with locations, source lines and hints."""
    return "\n".join(_findings(group_findings(report), report, Palette())).rstrip("\n")


def _findings(groups: list[Group], report: Report, palette: Palette) -> Iterator[str]:
    for _, alike in groupby(groups, lambda group: (group.severity, group.places)):
        yield from _lines(list(alike), report, palette)
        yield ""


def _lines(groups: list[Group], report: Report, palette: Palette) -> Iterator[str]:
    """Groups with the same places, such as those of arguments that calls lack."""
    first = groups[0].places[0]
    is_one = len(groups[0].findings) == 1
    for group in groups:
        text = f"{group.severity}[{group.code}]"
        code = paint_code(group.code, group.severity, palette, text=text)
        mark = "[*] " if group.is_fixable else ""
        place = f"{paint_place(first, palette)} " if is_one else ""
        yield f"{place}{code} {mark}{printable(group.message)}"
    if not is_one:
        detailed = next((one for one in groups if any(one.details)), groups[0])
        yield from _places(detailed, palette)
    elif first is not None:
        yield from _excerpt(first, report.line(first), groups[0].severity, palette)
    help_ = palette.paint("help:", "hint")
    for group in groups:
        for hint in group.hints[:_MOST_HINTS]:
            yield f"  {help_} {printable(hint)}"


def _places(group: Group, palette: Palette) -> Iterator[str]:
    for finding, detail in zip(group.findings[:_MOST_PLACES], group.details, strict=False):
        mark = "" if group.is_fixable else format_mark(finding)
        place = paint_place(finding.location, palette)
        yield f"  {place} {mark}{printable(detail)}".rstrip(" :")
    more = len(group.findings) - _MOST_PLACES
    if more > 0:
        yield f"  and {more} more (--output-format concise lists all)"


def _first_step(groups: list[Group]) -> Iterator[str]:
    """What to do first, if there is more than one thing to do."""
    if len(groups) > 1 and groups[0].hints:
        yield printable(f"Start with {groups[0].code}: {groups[0].hints[0]}")


def _excerpt(location: Location, line: str, severity: Severity, palette: Palette) -> Iterator[str]:
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
    marks = "^" * max(1, display_width(printable(meant[: len(carets)])))
    gutter = palette.paint(f"{number} |", "gutter")
    yield f"  {gutter} {printable(text)}"
    gutter = palette.paint(f"{' ' * len(number)} |", "gutter")
    indent = " " * display_width(printable(before))
    yield f"  {gutter} {indent}{palette.paint(marks, severity)}"


def _ignore_table(report: Report) -> Iterator[str]:
    """An ignore table for the findings that fail the run.

    Empty if the run passes, and for repos that the user cannot configure.
    """
    stopped = set(report.crashes)
    failing = [one for one in report.findings if report.fails(one) and one not in stopped]
    if not failing or not report.config:
        return
    yield f"To suppress these findings, add the reason to {report.config}:"
    yield ""
    yield f"[{report.ignores}]"
    yield from _ignore_lines(failing, report)
    yield ""


def _ignore_lines(findings: list[Finding], report: Report) -> Iterator[str]:
    """One line ``CODE = "reason"`` per code."""
    for code, count in sorted(Counter(finding.code for finding in findings).items()):
        times = f", {plural(count, 'finding')}" if count > 1 else ""
        yield f'{code} = "reason"  # {report.slug(code)}{times}'
