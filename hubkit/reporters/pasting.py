"""The configuration that makes a failing run pass."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hubkit._util.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Report


def format_ignore_block(report: Report) -> Iterator[str]:
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
    yield from format_ignores(failing, report)
    yield ""


def format_ignores(findings: list[Finding], report: Report) -> Iterator[str]:
    """One line ``CODE = "reason"`` per code."""
    names = {rule.code: rule.slug for rule in report.rules}
    for code, count in sorted(Counter(finding.code for finding in findings).items()):
        times = f", {plural(count, 'finding')}" if count > 1 else ""
        yield f'{code} = "reason"  # {names.get(code, "")}{times}'
