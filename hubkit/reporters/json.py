"""For programs: one JSON object, described by ``report.schema.json``.

``schema`` is incremented when a field changes its meaning or is removed, not when one is added.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import to_builtins

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report

SCHEMA = 1


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as one JSON object, in ASCII."""
    document = {
        "schema": SCHEMA,
        "root": report.root,
        "exit_code": report.exit_code,
        "fail_on": report.fail_on,
        "codes": list(report.codes),
        "findings": [_finding(finding, report) for finding in report.findings],
        "left_out": [
            {**_finding(one.finding, report), "reason": one.reason, "by": one.by}
            for one in report.suppressed
        ],
        "fixed": [to_builtins(entry) for entry in report.fixed],
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _finding(finding: Finding, report: Report) -> dict[str, object]:
    return {"code": finding.code, "name": report.slug(finding.code), **to_builtins(finding)}
