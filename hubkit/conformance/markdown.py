"""The report as Markdown, for model cards, pull requests and step summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.conformance.table import HEAD, notes, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CaseResult, ConformanceReport

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
        yield _row((f"`{row[0]}`", *row[1:]))
    for title, outcome in (("Failed", "failed"), ("Expected failures", "expected")):
        found = [
            f"- {_who(one)}{check.code} {check.name}: {_escape(check.reason)}"
            for one in (report.whole, *report.cases)
            for check in one.checks
            if check.outcome == outcome
        ]
        if found:
            yield from ("", f"{title}:", "", *found)
    yield ""
    yield from (f"{note}\n" for note in notes(report))
    yield f"{_provenance(report)}."


def _row(cells: tuple[str, ...] | Iterator[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _who(case: CaseResult) -> str:
    return f"`{case.label}` " if case.label else ""


def _escape(text: str) -> str:
    first = text.partition("\n")[0]
    return "".join(f"\\{letter}" if letter in "\\`*_<>[]|" else letter for letter in first)


def _provenance(report: ConformanceReport) -> str:
    commit = f" at `{report.commit[:12]}`" if report.commit else ""
    env, policy = report.environment, report.policy
    made_with = ", ".join(f"{name} {env[name]}" for name in ("torch", "python") if name in env)
    where = f"device {policy.get('device')}, network {policy.get('network')}"
    return f"`{report.repo}`{commit}, {report.created[:10]}: {made_with}, {where}"
