"""For code scanning: SARIF 2.1.0, with paths from the top of the git repo and stable fingerprints."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubkit import __version__
from hubkit._util.text import printable
from hubkit.facts import Location
from hubkit.reporters.text import WHOLE_REPO

if TYPE_CHECKING:
    from typing import TextIO

    from hubkit.facts import Finding, Report, RuleFacts, SuppressedFinding

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_ROOT = "%SRCROOT%"
_LINK = re.compile(r"\[([^\[\]]*)\]\(")
_HEADING = re.compile(r"^(\w[^\n]*):$", re.MULTILINE)


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as a SARIF log, in ASCII."""
    index = {rule.code: number for number, rule in enumerate(report.rules)}
    run = {
        "tool": {
            "driver": {
                "name": "hubkit",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the git repo."}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(finding, index, report) for finding in report.findings),
            *(_suppressed(one, index, report) for one in report.suppressed),
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    json.dump(log, stream, indent=2)
    stream.write("\n")


def _invocation(report: Report) -> dict[str, object]:
    notes = [
        {"level": "error", "descriptor": {"id": one.code}, "message": {"text": _plain(one.message)}}
        for one in report.crashes
    ]
    return {
        "executionSuccessful": not notes,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": notes,
    }


def _rule(rule: RuleFacts) -> dict[str, object]:
    return {
        "id": rule.code,
        "name": rule.slug,
        "shortDescription": {"text": rule.summary},
        "help": {
            "text": rule.explanation,
            # After a heading and a blank line, Markdown shows lines indented by four as code.
            "markdown": _HEADING.sub(r"**\1:**\n", rule.explanation),
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: dict[str, int], report: Report) -> dict[str, object]:
    place = finding.location or Location(f"{report.prefix}{WHOLE_REPO.path}")
    text = "\n".join(_plain(part) for part in (finding.message, finding.hint) if part)
    return {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(place.path, errors="surrogateescape"),
                        "uriBaseId": _ROOT,
                    },
                    "region": _region(place),
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": finding.fingerprint},
    }


def _plain(text: str) -> str:
    """A message without links: SARIF 2.1.0, 3.11.6, makes one of ``[text](target)``."""
    return _LINK.sub(r"\\[\1\\](", printable(text))


def _region(place: Location) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line and place.end_column:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    return region


def _suppressed(one: SuppressedFinding, index: dict[str, int], report: Report) -> dict[str, object]:
    suppression = {
        "kind": "inSource" if one.by == "comment" else "external",
        "justification": printable(one.reason)
        or ("in the baseline" if one.by == "baseline" else ""),
    }
    if not suppression["justification"]:
        del suppression["justification"]
    return {**_result(one.finding, index, report), "suppressions": [suppression]}
