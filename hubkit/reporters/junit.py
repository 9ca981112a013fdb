"""For CI dashboards: JUnit XML with a test case for each rule that ran."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hubkit._util.text import printable
from hubkit.reporters.concise import format_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from hubkit.facts import Finding, Report, RuleFacts

# Characters that XML 1.0 cannot represent, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_report(report: Report, stream: TextIO) -> None:
    """Write a report as a test suite, in ASCII.

    A rule fails if one of its findings fails the run, and is skipped if all were suppressed. A
    crashed rule is a test case with an error.
    """
    suite = ET.Element("testsuite", name="hubkit check")
    cases = [_add_case(suite, rule, report) for rule in report.rules]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": "0",
    }
    suite.attrib.update(counts)
    suites = ET.Element("testsuites", {"name": "hubkit check", **counts})
    suites.append(suite)
    ET.indent(suites)
    # ASCII with character references is valid in every encoding that the stream may have.
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(ET.tostring(suites, encoding="us-ascii").decode("ascii"))
    stream.write("\n")


def _add_case(suite: ET.Element, rule: RuleFacts, report: Report) -> ET.Element:
    case = ET.SubElement(
        suite, "testcase", classname="hubkit.check", name=f"{rule.code} {rule.slug}", time="0"
    )
    found = [finding for finding in report.findings if finding.code == rule.code]
    failing = [finding for finding in found if report.fails(finding)]
    reasons = [one for one in report.suppressed if one.finding.code == rule.code]
    if failing:
        failure = ET.SubElement(
            case,
            "error" if failing[0] in report.crashes else "failure",
            message=printable(failing[0].message),
            type=failing[0].severity,
        )
        failure.text = _listing(failing)
    elif reasons and not found:
        why = dict.fromkeys(one.reason or f"suppressed by a {one.by}" for one in reasons)
        ET.SubElement(case, "skipped", message=printable("; ".join(why)))
    passed = [finding for finding in found if not report.fails(finding)]
    if passed:
        ET.SubElement(case, "system-out").text = _listing(passed)
    return case


def _listing(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(format_line(finding))
        if finding.hint:
            lines.append(f"  help: {printable(finding.hint)}")
    return _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
