"""json, sarif and junit: valid by schema, whole, and safe in every encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from msgspec import structs

import hubkit.reporters
from hubkit.facts import Report
from hubkit.reporters import FORMATS
from tests.reporters.conftest import HUBCONF, SETTINGS, report_on, written

HERE = Path(__file__).parent
REPORT_SCHEMA: Any = json.loads(
    Path(hubkit.reporters.__file__).with_name("report.schema.json").read_text("utf-8")
)
SARIF_SCHEMA: Any = json.loads((HERE / "sarif.schema.json").read_text("utf-8"))


def check(document: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)


def sarif_results(report: Report) -> list[dict[str, Any]]:
    log = json.loads(written("sarif", report))
    check(log, SARIF_SCHEMA)
    results: list[dict[str, Any]] = log["runs"][0]["results"]
    return results


@pytest.mark.parametrize("name", ["json", "gitlab", "sarif", "junit"])
def test_machine_formats_are_ascii(name: str, report: Report) -> None:
    text = written(name, report)
    assert text.isascii()
    assert text.endswith("\n")


def test_json_matches_its_schema(report: Report, empty: Report) -> None:
    for one in (report, empty):
        document = json.loads(written("json", one))
        check(document, REPORT_SCHEMA)
        assert len(document["findings"]) == len(one.findings)
        assert document["exit_code"] == one.exit_code == 1


def test_the_schema_knows_every_field_of_a_finding(report: Report) -> None:
    found = json.loads(written("json", report))["findings"][0]
    assert set(REPORT_SCHEMA["$defs"]["finding"]["properties"]) == set(found)


def test_json_contains_reasons_of_suppressions(report: Report) -> None:
    left_out = json.loads(written("json", report))["left_out"]
    assert {(one["code"], one["by"], one["reason"]) for one in left_out} == {
        ("HUB105", "comment", 'optional <in> "practice" | truly'),
        ("HUB302", "setting", "said in the README"),
    }


def test_sarif_results_name_rules_places_and_reasons(report: Report) -> None:
    log = json.loads(written("sarif", report))
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    results = sarif_results(report)
    assert len(results) == len(report.findings) + len(report.suppressed)
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    suppressed = {
        (one["ruleId"], how["kind"], how["justification"])
        for one in results
        for how in one.get("suppressions", [])
    }
    assert suppressed == {
        ("HUB105", "inSource", 'optional <in> "practice" | truly'),
        ("HUB302", "external", "said in the README"),
    }


def test_sarif_locates_findings_of_the_whole_repo(empty: Report) -> None:
    (result,) = sarif_results(empty)
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], place["artifactLocation"]["uri"]) == ("HUB001", "hubconf.py")


def test_sarif_paths_are_relative_uris(report: Report) -> None:
    finding = report.findings[0]
    assert finding.location is not None
    moved = structs.replace(finding.location, path="a b/n\udcf6t#1%.py")
    odd = structs.replace(report, findings=(structs.replace(finding, location=moved),))
    uri = sarif_results(odd)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/n%F6t%231%25.py"


def test_fingerprints_are_stable_and_unique(folder: Path) -> None:
    def prints() -> dict[str, tuple[str, int]]:
        findings = report_on(folder).findings
        marks = {
            one.fingerprint: (one.code, one.location.line if one.location else 0)
            for one in findings
        }
        assert len(marks) == len(findings)
        return marks

    before = prints()
    (folder / "hubconf.py").write_text("# one\n# two\n" + HUBCONF, "utf-8")
    after = prints()
    assert before.keys() == after.keys()
    assert {key: (code, line + 2) for key, (code, line) in before.items()} == after
    (folder / "hubconf.py").write_text(HUBCONF.replace("timm as _timm", "timm as  _timm"), "utf-8")
    assert prints().keys() == before.keys()
    (folder / "hubconf.py").write_text(HUBCONF.replace("timm", "tiim"), "utf-8")
    assert prints().keys() != before.keys()


def test_junit_has_a_case_for_each_rule_that_ran(report: Report) -> None:
    suites = ET.fromstring(written("junit", report))
    cases = {case.attrib["name"].partition(" ")[0]: case for case in suites.iter("testcase")}
    assert tuple(cases) == report.codes
    assert suites.attrib["tests"] == str(len(report.codes))
    failing = {finding.code for finding in report.findings if report.fails(finding)}
    assert {code for code, case in cases.items() if case.find("failure") is not None} == failing
    assert suites.attrib["failures"] == str(len(failing))
    skipped = cases["HUB302"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "said in the README"
    output = cases["HUB107"].find("system-out")
    assert output is not None
    assert "hubconf.py:1:" in (output.text or "")


def test_junit_replaces_forbidden_characters(report: Report) -> None:
    finding = structs.replace(report.findings[1], message="a\x00b\ud800c & <d> ]]>")
    text = written("junit", structs.replace(report, findings=(finding,)))
    failure = next(ET.fromstring(text).iter("failure"))
    assert failure.attrib["message"] == r"a\x00b\ud800c & <d> ]]>"


def test_the_same_repo_elsewhere_gives_the_same_sarif(folder: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "hubconf.py").write_text(HUBCONF, "utf-8")
    (twin / "hubkit.toml").write_text(SETTINGS, "utf-8")
    (twin / "LICENSE").touch()
    assert written("sarif", report_on(twin)) == written("sarif", report_on(folder))


def test_every_format_has_a_test() -> None:
    people = {"full", "concise", "azure", "github", "markdown", "pylint", "statistics"}
    assert set(FORMATS) == people | {"json", "gitlab", "sarif", "junit"}


def test_gitlab_has_what_code_quality_requires(report: Report, empty: Report) -> None:
    """The fields of https://docs.gitlab.com/ci/testing/code_quality: "Code Quality report format"."""
    issues = json.loads(written("gitlab", report))
    assert len(issues) == len(report.findings)
    assert len({one["fingerprint"] for one in issues}) == len(issues)
    kinds = {"info", "minor", "major", "critical", "blocker"}
    for issue, finding in zip(issues, report.findings, strict=True):
        assert issue["severity"] in kinds
        assert issue["description"] == f"{finding.code} {finding.message}"
        assert issue["check_name"].startswith(f"{finding.code} ")
        line = finding.location.line if finding.location else 1
        assert issue["location"]["path"] == "hubconf.py"
        assert issue["location"]["lines"]["begin"] == line <= issue["location"]["lines"]["end"]
    (issue,) = json.loads(written("gitlab", empty))
    assert issue["location"] == {"path": "hubconf.py", "lines": {"begin": 1, "end": 1}}
    assert written("gitlab", Report((), (), ())) == "[]\n"
