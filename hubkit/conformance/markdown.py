"""The report as Markdown, for model cards, pull requests and step summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import code_span, escape_markdown, table_cell
from hubkit.conformance.table import HEAD, notes, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CaseResult, CheckResult, ConformanceReport

_NUMBERS = ("parameters", "forward", "memory")


def render_markdown(report: ConformanceReport) -> str:
    """A table, what was left out, failures and expected failures, and what was run with what.

    Args:
        report: The report.
    """
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ConformanceReport) -> Iterator[str]:
    yield _row(HEAD)
    yield _row("--:" if name in _NUMBERS else "---" for name in HEAD)
    for row in rows(report):
        yield _row((code_span(row[0]), *map(escape_markdown, row[1:])))
    for title, outcome in (("Failed", "failed"), ("Expected failures", "expected")):
        found = [
            f"- {_who(one)}{escape_markdown(f'{check.code} {check.name}: {_first_line(check)}')}"
            for one in (report.whole, *report.cases)
            for check in one.checks
            if check.outcome == outcome
        ]
        if found:
            yield from ("", f"{title}:", "", *found)
    yield ""
    yield from (f"{escape_markdown(note)}\n" for note in notes(report))
    yield f"{_provenance(report)}."


def _row(cells: tuple[str, ...] | Iterator[str]) -> str:
    return f"| {' | '.join(map(table_cell, cells))} |"


def _who(case: CaseResult) -> str:
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
