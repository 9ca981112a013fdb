"""For GitLab: a Code Quality report, which merge requests show beside the changed lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hubkit._util.text import printable
from hubkit.reporters.text import WHOLE_REPO

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report

_SEVERITIES = {"error": "critical", "warning": "major", "info": "info"}


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as one JSON array, in ASCII."""
    json.dump([_issue(finding, report) for finding in report.findings], stream, indent=2)
    stream.write("\n")


def _issue(finding: Finding, report: Report) -> dict[str, object]:
    place = finding.location or WHOLE_REPO
    lines = {"begin": place.line, "end": max(place.end_line, place.line)}
    return {
        "description": f"{finding.code} {printable(finding.message)}",
        "check_name": f"{finding.code} {report.slug(finding.code)}".rstrip(),
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": printable(place.path), "lines": lines},
    }
