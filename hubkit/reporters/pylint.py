"""For tools that read pylint's lines: ``path:line: [CODE] message``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import printable
from hubkit.reporters.text import WHOLE_REPO

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Report


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report, one line per finding and nothing else."""
    for finding in report.findings:
        place = finding.location or WHOLE_REPO
        where = f"{printable(place.path)}:{place.line}"
        write_line(stream, f"{where}: [{finding.code}] {printable(finding.message)}")
