"""For Azure Pipelines: one logging command per finding, which becomes an issue of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.console import without_commands
from hubkit._util.text import printable
from hubkit.reporters.concise import format_line
from hubkit.reporters.text import WHOLE_REPO, format_summary, sort_by_severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from hubkit.facts import Finding, Report


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as logging commands; info as plain lines, which Azure has no kind of issue for."""
    for finding in sort_by_severity(report.findings):
        if finding.severity == "info":
            stream.write(f"{without_commands(format_line(finding), always=True)}\n")
        else:
            stream.write(f"{_command(finding)}\n")
    stream.write(format_summary(report) + "\n")


def _command(finding: Finding) -> str:
    listed = "".join(f"{key}={_escape(value)};" for key, value in _fields(finding))
    text = "\n".join(printable(part) for part in (finding.message, finding.hint) if part)
    return f"##vso[task.logissue {listed}]{_escape(text)}"


def _fields(finding: Finding) -> Iterator[tuple[str, str]]:
    place = finding.location or WHOLE_REPO
    yield "type", finding.severity
    yield "sourcepath", printable(place.path)
    yield "linenumber", str(place.line)
    yield "columnnumber", str(place.column)
    yield "code", finding.code


def _escape(text: str) -> str:
    """Escape like Azure's toolkit; first the percent sign, with which the others start."""
    for character, code in (("%", "AZP25"), ("\r", "0D"), ("\n", "0A"), ("]", "5D"), (";", "3B")):
        text = text.replace(character, f"%{code}")
    return text
