"""For programs: one JSON object; ``schema`` grows when a field changes its meaning."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from hubkit.facts import Finding, Report

SCHEMA = 1


def write_report(report: Report, root: Path, stream: TextIO) -> None:
    """Write a report as one JSON object.

    Args:
        report: What was found.
        root: The folder that was read.
        stream: Where to.
    """
    document = {
        "schema": SCHEMA,
        "root": str(root),
        "exit_code": report.exit_code,
        "codes": list(report.codes),
        "findings": [_finding(finding) for finding in report.findings],
        "left_out": [_finding(finding) | {"reason": reason} for finding, reason in report.expected],
    }
    json.dump(document, stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def _finding(finding: Finding) -> dict[str, object]:
    return asdict(finding)
