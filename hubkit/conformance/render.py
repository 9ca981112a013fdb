"""Reports as tables, Markdown, badges and pages, and the files to write them to."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.atomic import write_output
from hubkit._util.colors import Palette, join_painted
from hubkit._util.text import (
    Painted,
    align_columns,
    code_span,
    did_you_mean,
    escape_markdown,
    join_words,
    plural,
    printable,
    table_row,
)
from hubkit.conformance.compare import find_changes, name_runs
from hubkit.conformance.document import render_json
from hubkit.errors import UsageError
from hubkit.facts import (
    INTERRUPTED,
    LEVELS,
    NOT_SELECTED,
    WEIGHTS_CHECKS,
    CaseResult,
    ConformanceReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hubkit.facts import CheckResult

LABEL = "torch hub"
HEAD = ("entrypoint", "L1", "L2", "L3", "features", "parameters", "forward", "memory")
_NUMBERS = ("parameters", "forward", "memory")
_REPO = "(the repo)"
_CALLS_SHOWN = 3
_BEHAVIOR = 2
_COLORS = {"brightgreen": "#4c1", "green": "#97ca00", "yellow": "#dfb317", "red": "#e05d44"}
_BY_LEVEL = ("red", "yellow", "green", "brightgreen")
# The average width of a letter in Verdana at 11 pixels.
_LETTER, _MARGIN = 6.6, 10

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" \
aria-label="{label}: {message}">
<title>{label}: {message}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3" fill="#fff"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#555"/>
<rect x="{left}" width="{right}" height="20" fill="{color}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,sans-serif" font-size="11">
<text x="{at_left}" y="14">{label}</text>
<text x="{at_right}" y="14">{message}</text>
</g>
</svg>
"""


def render_table(report: ConformanceReport, palette: Palette | None = None) -> str:
    """The report as a table, with notes on what did not run."""
    lines = table_lines(report, palette or Palette())
    return "".join(f"{line}\n" for line in lines)


def table_lines(report: ConformanceReport, palette: Palette) -> list[Painted]:
    """The lines of the table, and of the notes."""
    head = [palette.paint(cell, "bold") for cell in HEAD]
    body = [[row[0], *(_paint_cell(cell, palette) for cell in row[1:])] for row in rows(report)]
    return [*align_columns([head, *body], right=len(_NUMBERS)), *map(join_painted, notes(report))]


def _paint_cell(cell: str, palette: Palette) -> Painted:
    """A cell in the color of its verdict; codes of checks link to their pages."""
    if cell.startswith("ok"):
        return palette.paint(cell, "doubtful" if cell.startswith("ok but") else "ok")
    parts = re.split(r"\b(C[123]\d\d)\b", cell)
    return join_painted(
        *(
            palette.link(part, palette.paint(part, "failed")) if index % 2 else part
            for index, part in enumerate(parts)
        )
    )


def rows(report: ConformanceReport) -> Iterator[tuple[str, ...]]:
    """The rows of the table: the repo as a whole, then each entrypoint on which a check ran."""
    for one in (report.whole, *report.cases):
        if one.checks:
            yield (
                one.label or _REPO,
                *(format_level(one, level) for level in LEVELS),
                format_features(one),
                format_count(one.measured.parameters),
                format_seconds(one.measured.forward_seconds),
                format_bytes(one.measured.memory_bytes),
            )


def notes(report: ConformanceReport, *, weights: bool = True) -> Iterator[str]:
    """Notes on what is not in the table.

    Args:
        report: The report.
        weights: Whether to note which calls with weights were not tried.
    """
    if report.interrupted:
        yield "interrupted: checks that are not shown did not run"
    for reason, levels in _count_unchecked(report).items():
        for count in dict.fromkeys(levels.values()):
            which = ", ".join(f"L{level}" for level, number in levels.items() if number == count)
            yield f"{which}: {count} of {plural(len(report.cases), 'entrypoint')} not checked, {reason}"
    yield from _weights_notes(report) if weights else ()
    if report.uncommitted:
        yield (
            f"C301 checks commit {report.commit[:12]}, without "
            f"{plural(report.uncommitted, 'uncommitted change')}"
        )


def _weights_notes(report: ConformanceReport) -> Iterator[str]:
    """The calls with weights that were not tried, by the reason."""
    calls: dict[str, list[str]] = {}
    for one in report.cases:
        if one.weights and one.weights.is_untried and one.checks:
            reason = one.weights.reason.removeprefix("not tried: ").removeprefix(one.weights.call)
            calls.setdefault(reason.strip(), []).append(one.weights.call or one.label)
    for reason, names in calls.items():
        yield f"weights not tried: {join_words(names, most=_CALLS_SHOWN)}: {reason}"


def render_weights(report: ConformanceReport) -> str:
    """The files that each call with weights read, for verbose output."""
    lines = []
    for one in report.cases:
        if one.weights and one.weights.files:
            files = (f"{file.path} (sha256 {file.sha256})" for file in one.weights.files)
            line = f"{one.weights.call}: {', '.join(files)}"
            if one.weights.filled is not None:
                line += f", {one.weights.filled} of {plural(one.weights.parameters or 0, 'parameter')} filled"
            lines.append(line)
    return "".join(f"{printable(line)}\n" for line in lines)


def _count_unchecked(report: ConformanceReport) -> dict[str, dict[int, int]]:
    """How many entrypoints had no check at a level, by reason and level."""
    counts: dict[str, dict[int, int]] = {}
    for level in LEVELS:
        for one in report.cases:
            missed = set(one.missed(level)) if one.verdict(level) == "omitted" else set[str]()
            reason = next((why.reason for why in one.unexercised if missed & {*why.codes}), "")
            if reason not in ("", NOT_SELECTED, INTERRUPTED):
                levels = counts.setdefault(reason, {})
                levels[level] = levels.get(level, 0) + 1
    return counts


def format_level(case: CaseResult, level: int) -> str:
    """The cell of a level."""
    guessed = " (guessed input)" if level == _BEHAVIOR and case.provisional else ""
    ran, skipped = case.codes(level, "passed", "expected"), case.codes(level, "skipped")
    if level == LEVELS[-1] and case.has_untried_weights and set(skipped) <= {*WEIGHTS_CHECKS}:
        failed = case.codes(level, "failed")
        return ", ".join((*failed, "weights not tried"))
    texts: dict[str, Callable[[], str]] = {
        "failed": lambda: ", ".join(case.codes(level, "failed")),
        "skipped": lambda: (
            f"skipped {len(skipped)} of {len(skipped) + len(ran)}" if ran else "skipped"
        ),
        "partial": lambda: f"ok, {len(ran)} of {len(ran) + len(case.missed(level))}{guessed}",
        "exceptions": lambda: f"ok but {', '.join(case.codes(level, 'expected'))}",
        "reached": lambda: f"ok{guessed}",
    }
    return texts.get(case.verdict(level), lambda: "-")()


def format_features(case: CaseResult) -> str:
    """The cell of features."""
    supported, unsupported = len(case.supported), [one.code for one in case.unsupported]
    total = supported + len(unsupported)
    counted = f"{supported} of {total}" if total else "-"
    return f"{counted}, not {', '.join(unsupported)}" if unsupported else counted


def format_count(number: int | None) -> str:
    """A number of parameters, such as "25.6 M"; "" for None."""
    return "" if number is None else _scaled(number, (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1)))


def format_bytes(number: int | None) -> str:
    """A number of bytes, such as "98 MB"; "" for None."""
    return "" if number is None else _scaled(number, (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)))


def format_seconds(seconds: float | None) -> str:
    """A time, such as "3.2 ms"; "" for None."""
    return "" if seconds is None else _scaled(seconds, (("s", 1), ("ms", 1e-3), ("us", 1e-6)))


def _scaled(number: float, units: Iterable[tuple[str, float]]) -> str:
    unit, size = "", 1.0
    for unit, size in units:  # noqa: B007 - the last one is for everything smaller
        if number >= size:
            break
    return f"{number / size:.3g} {unit}".rstrip()


def render_markdown(report: ConformanceReport) -> str:
    """A table, notes, failures and expected failures, and versions."""
    return "\n".join(_markdown_lines(report)) + "\n"


def _markdown_lines(report: ConformanceReport) -> Iterator[str]:
    yield table_row(HEAD)
    yield table_row("--:" if name in _NUMBERS else "---" for name in HEAD)
    for row in rows(report):
        yield table_row((code_span(row[0]), *map(escape_markdown, row[1:])))
    for title, outcome in (("Failed", "failed"), ("Expected failures", "expected")):
        found = [
            f"- {_prefix(one)}{escape_markdown(f'{check.code} {check.name}: {_first_line(check)}')}"
            for one in (report.whole, *report.cases)
            for check in one.checks
            if check.outcome == outcome
        ]
        if found:
            yield from ("", f"{title}:", "", *found)
    weights = list(_weights_verdicts(report))
    if weights:
        yield from ("", "Calls with weights:", "", *weights)
    yield ""
    yield from (f"{escape_markdown(note)}\n" for note in notes(report, weights=False))
    yield f"{_provenance(report)}."


def _weights_verdicts(report: ConformanceReport) -> Iterator[str]:
    """Whether each entrypoint that offers weights was called with them, and with which file."""
    for case in report.cases:
        one = case.weights
        if one is None or not case.checks:
            continue
        names = [code_span(file.path.rpartition("/")[2]) for file in one.files]
        read = f", with {join_words(names, most=_CALLS_SHOWN)}" if names else ""
        reason = one.reason.partition("\n")[0].removeprefix("not tried: ")
        why = f": {escape_markdown(reason.removeprefix(one.call).strip())}" if reason else ""
        yield f"- {code_span(one.call or case.label)}: {one.verdict}{read}{why}"


def _prefix(case: CaseResult) -> str:
    return f"{code_span(case.label)} " if case.label else ""


def _first_line(check: CheckResult) -> str:
    return check.reason.partition("\n")[0]


def _provenance(report: ConformanceReport) -> str:
    commit = f" at {code_span(report.commit[:12])}" if report.commit else ""
    env, policy = report.environment, report.policy
    made_with = ", ".join(f"{name} {env[name]}" for name in ("torch", "python") if name in env)
    where = f"device {policy.get('device')}, network {policy.get('network')}"
    about = escape_markdown(f"{report.created[:10]}: {made_with}, {where}")
    return f"{code_span(report.repo)}{commit}, {about}"


def render_svg(report: ConformanceReport) -> str:
    """An image for a README."""
    message, color = _message(report)
    left, right = (round(len(text) * _LETTER + _MARGIN) for text in (LABEL, message))
    return _SVG.format(
        label=escape(LABEL),
        message=escape(message),
        width=left + right,
        left=left,
        right=right,
        color=_COLORS[color],
        at_left=left / 2,
        at_right=left + right / 2,
    )


def render_endpoint(report: ConformanceReport) -> str:
    """JSON for https://shields.io/badges/endpoint-badge."""
    message, color = _message(report)
    document = {"schemaVersion": 1, "label": LABEL, "message": message, "color": color}
    return json.dumps(document, indent=2) + "\n"


def _message(report: ConformanceReport) -> tuple[str, str]:
    """Its text and color."""
    if report.level == 0:
        failed = any(one.codes(1, "failed") for one in (report.whole, *report.cases))
        return ("failing" if failed else "not checked"), "red" if failed else "yellow"
    checked = [one for one in report.cases if not one.is_represented(report.level)]
    of_all = f" ({len(checked)} of {len(report.cases)})" * (len(checked) < len(report.cases))
    exceptions = any(
        one.codes(level, "expected")
        for one in (report.whole, *report.cases)
        for level in LEVELS[: report.level]
    )
    untried = ", weights not tried" * any(one.has_untried_weights for one in checked)
    return f"level {report.level}{'*' * exceptions}{of_all}{untried}", _BY_LEVEL[report.level]


def render_html(runs: Sequence[ConformanceReport]) -> str:
    """A page with everything, which opens without a network; several runs are side by side."""
    from hubkit.conformance.page import render_report

    return render_report(runs)


_FORMATS: dict[str, Callable[[ConformanceReport], str]] = {
    "json": render_json,
    "markdown": render_markdown,
    "badge": render_svg,
    "endpoint": render_endpoint,
}
_HTML = "html"
_SUFFIXES = {".html": _HTML, ".json": "json", ".md": "markdown", ".svg": "badge"}


def read_target(text: str, folder: Path) -> tuple[str, Path]:
    """Read the format and the file of a report.

    Args:
        text: "FORMAT=FILE", or a file whose name decides the format.
        folder: The folder of relative paths.

    Raises:
        UsageError: The format is unknown, or the file is not valid.
    """
    format_, equals, name = text.partition("=")
    if not equals:
        format_, name = _format_of(text), text
    known = (*_FORMATS, _HTML)
    if format_ not in known:
        hint = did_you_mean(format_, known) or f"Use {join_words(known, 'or')}."
        raise UsageError(f"{format_!r} is not a report format", hint=hint)
    target = folder / name
    if not name or target.is_dir():
        raise UsageError(f"{text!r} does not name a file", hint="For example: badge=hub.svg")
    return format_, target


def _format_of(name: str) -> str:
    """The format that the ending of a file's name stands for."""
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES:
        message = f"the ending {suffix!r} of {name!r}" if suffix else f"{name!r} without an ending"
        raise UsageError(
            f"{message} does not name a report format",
            hint=f"Use a name that ends in {join_words(_SUFFIXES, 'or')}, or FORMAT=FILE with "
            f"{join_words((*_FORMATS, _HTML), 'or')}, such as json={name or 'FILE'}.",
        )
    return _SUFFIXES[suffix]


def write_report(runs: Sequence[ConformanceReport], format_: str, target: Path) -> None:
    """Write the report of a run, or a page about several, and create missing folders.

    Args:
        runs: One report for each run.
        format_: The format, as `read_target` returns it.
        target: The file.

    Raises:
        UsageError: It cannot be written, or the format is not for several runs.
    """
    if len(runs) > 1 and format_ != _HTML:
        raise UsageError(
            f"{target.name}: a report as {format_} has one run, not {len(runs)}",
            hint="Compare runs in a file that ends in .html.",
        )
    text = render_html(runs) if format_ == _HTML else _FORMATS[format_](runs[0])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_output(target, text)
    except OSError as error:
        raise UsageError(
            f"Cannot write {target}: {error.strerror}",
            hint="Choose a file in a writable folder.",
        ) from None


def change_lines(runs: Sequence[ConformanceReport]) -> list[Painted]:
    """The lines of a table of the checks whose outcome differs between runs."""
    changes = find_changes(runs)
    if not changes:
        return [join_painted("no check has another outcome")]
    head = ("", "check", *name_runs(runs), "")
    lines = [
        (one.label or _REPO, f"{one.code} {one.name}".strip(), *one.outcomes, one.kind)
        for one in changes
    ]
    return align_columns([head, *lines])
