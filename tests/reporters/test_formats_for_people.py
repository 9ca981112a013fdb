"""Formats of lines and tables: what they say, and what they keep from obeying."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from hubkit.facts import Finding, Fix, Location, Report, RuleFacts
from tests.doc_pages import DOCS
from tests.reporters.conftest import report_on, written

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Applicability, Severity

HOSTILE = Finding(
    "HUB105",
    "error",
    "`x\x1b[31m\n::error::y##[group]`",
    Location("a\r::warning::\u2028b.py", 1, 1, 1, 3),
    hint="do\x07 it\n::error::z",
)
LAST = re.compile(r"(Found \d+ (error|warning|info)s?.*|All checks passed.*)\.")


@pytest.mark.parametrize("name", ["full", "concise", "azure", "github", "markdown", "statistics"])
def test_the_last_line_sums_up(name: str, report: Report) -> None:
    last = written(name, report).splitlines()[-1]
    assert LAST.fullmatch(last)
    assert last.endswith("(2 suppressed).")


@pytest.mark.parametrize("name", ["full", "concise", "azure", "github", "markdown", "statistics"])
def test_a_clean_report_is_one_line(name: str) -> None:
    lines = written(name, Report((), (), ())).splitlines()
    assert lines[-1] == "All checks passed."
    assert len([line for line in lines if line]) == (2 if name == "markdown" else 1)


def test_full_lists_reasons_once(report: Report) -> None:
    text = written("full", report)
    assert "HUB302 suppressed: said in the README\n" in text
    text = written("full", structs.replace(report, suppressed=report.suppressed * 2))
    assert 'HUB105 suppressed 2 times: optional <in> "practice" | truly\n' in text
    assert "HUB302 suppressed 2 times: said in the README\n" in text


def test_full_suggests_an_ignore_table(folder: Path) -> None:
    for _ in range(2):
        text = written("full", report_on(folder))
        block = text.partition("add the reason to hubkit.toml:\n\n")[2].rpartition("\n\n")[0]
        if not block:
            break
        settings = (folder / "hubkit.toml").read_text("utf-8")
        (folder / "hubkit.toml").write_text(f"{settings}\n{block}\n", "utf-8")
    assert report_on(folder).exit_code == 0
    assert "add the reason" not in written("full", report_on(folder))


def finding(code: str, line: int, message: str, name: str | None = None, hint: str = "") -> Finding:
    severity: Severity = "error" if code == "HUB105" else "warning"
    return Finding(code, severity, message, Location("a.py", line, 2), name, hint)


RULES = (
    RuleFacts(
        "HUB301",
        "missing-docstring",
        "warning",
        "An entrypoint has no docstring.",
        "",
        "{count} lack one",
    ),
    RuleFacts("HUB006", "generic-module-name", "warning", "A module has a generic name.", ""),
)


def blocks(*findings: Finding) -> list[str]:
    text = written("full", Report(findings, (), RULES, fail_on="never"))
    return text.rstrip("\n").split("\n\n")


def test_full_groups_findings_of_one_cause() -> None:
    found = [finding("HUB301", n, f"`n{n}` has no docstring", f"n{n}") for n in range(1, 13)]
    group, summary = blocks(*found)
    head, *places = group.splitlines()
    assert head == "warning[HUB301] 12 lack one: `n1`, `n2`, `n3` and 9 more"
    assert places[:2] == ["  a.py:1:2: `n1`", "  a.py:2:2: `n2`"]
    assert places[10:] == ["  and 2 more (--output-format concise lists all)"]
    assert summary == "Found 12 warnings."
    alone, _ = blocks(found[0])
    assert alone == "a.py:1:2: warning[HUB301] `n1` has no docstring"


def test_full_joins_hints_that_differ_in_a_name() -> None:
    add, such = "Add `{}`, or drop it.", "Rename it, such as `_{}`."
    found = [
        finding("HUB006", n, f"`{x}` is generic: {n}", hint=add.format(x))
        for n, x in enumerate("ab")
    ]
    found += [finding("HUB006", n, "`c` is generic: 9", hint=such.format(n)) for n in (8, 9)]
    group, _ = blocks(*found)
    assert group.splitlines() == [
        "warning[HUB006] a module has a generic name (4 places)",
        "  a.py:0:2: `a` is generic: 0",
        "  a.py:1:2: `b` is generic: 1",
        "  a.py:8:2: `c` is generic: 9",
        "  a.py:9:2: `c` is generic: 9",
        "  help: Add `a` and `b`, or drop it.",
        "  help: Rename it, such as `_8`.",
    ]


def test_full_orders_by_severity_and_users_and_says_what_to_do_first() -> None:
    few = finding("HUB301", 1, "few", "net", hint="Few.")
    many = [finding("HUB302", n, "many", f"net{n}", hint="Many.") for n in (2, 3)]
    everyone = finding("HUB006", 4, "all", hint="All.")
    worst = finding("HUB105", 5, "worst", hint="Worst.")
    *shown, last = blocks(few, *many, everyone, worst)
    assert [re.findall(r"HUB\d+", one)[0] for one in shown] == [
        "HUB105",
        "HUB006",
        "HUB302",
        "HUB301",
    ]
    assert last == "Start with HUB105: Worst.\nFound 1 error, 4 warnings."


def test_full_lists_the_places_of_several_causes_once() -> None:
    same = [finding(code, n, f"{code} here") for n in (1, 2) for code in ("HUB504", "HUB505")]
    other = [finding("HUB501", n, "elsewhere") for n in (1, 3)]
    shown = blocks(*same, *other)
    assert shown[0].splitlines() == [
        "warning[HUB504] HUB504 here (2 places)",
        "warning[HUB505] HUB505 here (2 places)",
        "  a.py:1:2",
        "  a.py:2:2",
    ]
    assert len(shown) == 3


def test_carets_align_with_wide_characters(folder: Path) -> None:
    (folder / "hubconf.py").write_text('dependencies = ["torch"]\n名 = 1; \timport timm\n', "utf-8")
    text = written("full", report_on(folder))
    assert "  2 | 名 = 1;  import timm\n    |          ^^^^^^^^^^^\n" in text.replace("\t", " ")


def test_concise_has_one_line_per_finding(report: Report) -> None:
    lines = written("concise", report).splitlines()
    assert len(lines) == len(report.findings) + 2
    assert all(re.match(r"hubconf\.py:\d+:\d+: HUB\d{3} ", line) for line in lines[:-2])


def test_marks_are_explained(report: Report) -> None:
    def explained(*kinds: Applicability | None) -> list[str]:
        findings = tuple(
            structs.replace(report.findings[0], fix=Fix("do it", kind, ()) if kind else None)
            for kind in kinds
        )
        lines = written("concise", structs.replace(report, findings=findings)).splitlines()
        assert sum("[*]" in line for line in lines[: len(kinds)]) == kinds.count("safe")
        return lines[len(kinds) : -1]

    assert explained(None) == []
    assert explained("safe", "safe", None) == ["[*] 2 fixable with `--fix`."]
    assert explained("safe", "unsafe") == [
        "[*] 1 fixable with `--fix`, 1 more with `--unsafe-fixes`."
    ]
    assert explained("unsafe") == []


@pytest.mark.parametrize("name", ["full", "concise", "azure", "github", "markdown", "pylint"])
def test_text_of_a_repo_is_escaped(name: str) -> None:
    text = written(name, Report((HOSTILE,) * 40, (), ()))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028]", text)
    own = r"::error title=hubkit HUB105,file=" if name == "github" else r"(?!)"
    for line in text.splitlines():
        assert not line.lstrip().startswith("::") or re.match(own, line)
        if not line.startswith("::error title=hubkit"):
            assert "##[" not in line or name != "github"


def test_azure_has_an_issue_for_each_error_and_warning(report: Report) -> None:
    place = Location("a;b].py", 2, 3, 2, 5)
    findings = [
        Finding("HUB302", "info", "50% ##vso[task.complete]", place),
        Finding("HUB105", "error", "50% of; a]\nb ##vso[x]y", place, hint="do it"),
        Finding("HUB801", "warning", "no license"),
    ]
    lines = written("azure", Report(tuple(findings), (), ())).splitlines()
    assert lines == [
        (
            "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.py;linenumber=2;columnnumber=3;code=HUB105;]"
            "50%AZP25 of%3B a%5D\\nb ##vso[x%5Dy%0Ado it"
        ),
        (
            "##vso[task.logissue type=warning;sourcepath=hubconf.py;linenumber=1;columnnumber=1;code=HUB801;]"
            "no license"
        ),
        "a;b].py:2:3: HUB302 50% ##\u200bvso[task.complete]",
        "Found 1 error, 1 warning, 1 info.",
    ]
    assert written("azure", report).count("##vso[task.logissue ") == sum(
        one.severity != "info" for one in report.findings
    )


def test_pylint_lines_are_findings_and_nothing_else(report: Report, empty: Report) -> None:
    lines = written("pylint", report).splitlines()
    assert len(lines) == len(report.findings)
    for line, finding in zip(lines, report.findings, strict=True):
        number = finding.location.line if finding.location else 1
        assert line == f"hubconf.py:{number}: [{finding.code}] {finding.message}"
    assert written("pylint", empty).startswith("hubconf.py:1: [HUB001] ")
    assert written("pylint", Report((), (), ())) == ""


def matchers() -> dict[str, dict[str, Any]]:
    """The pattern of each problem matcher that docs/ci.md shows."""
    page = (DOCS / "ci.md").read_text("utf-8")
    blocks = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    github = next(one for one in blocks if "problemMatcher" in one)["problemMatcher"][0]
    code = next(one for one in blocks if "tasks" in one)["tasks"][0]["problemMatcher"]
    return {"github": github["pattern"][0], "vscode": code["pattern"]}


@pytest.mark.parametrize("name", ["github", "vscode"])
def test_problem_matchers_find_every_finding_with_a_place(name: str, report: Report) -> None:
    pattern = matchers()[name]
    lines = written("concise", report).splitlines()
    found = [match for line in lines if (match := re.search(pattern["regexp"], line))]
    shown = [
        tuple(one[pattern[key]] for key in ("file", "line", "column", "code", "message"))
        for one in found
    ]
    assert shown == [
        (place.path, str(place.line), str(place.column), one.code, one.message)
        for one in report.findings
        if (place := one.location)
    ]


def test_github_annotates_the_most_severe_findings() -> None:
    place = Location("hubconf.py", 2, 3, 2, 5)
    findings = [Finding("HUB302", "info", f"i{n}", place) for n in range(12)]
    findings += [Finding("HUB105", "error", f"e{n}", place) for n in range(11)]
    lines = written("github", Report(tuple(findings), (), ())).splitlines()
    assert [line.partition(" ")[0] for line in lines[:20]] == ["::error"] * 10 + ["::notice"] * 10
    assert "1 error, 2 infos" in lines[20]
    assert [line.strip().rpartition(" ")[2] for line in lines[21:24]] == ["e10", "i10", "i11"]
    assert len(lines) == 25


def test_github_escapes_like_its_toolkit() -> None:
    finding = Finding("HUB105", "error", "100%", Location("a,b:c%.py", 2, 3, 2, 5), hint="b")
    line = written("github", Report((finding,), (), ())).splitlines()[0]
    assert line == (
        "::error title=hubkit HUB105,file=a%2Cb%3Ac%25.py,line=2,endLine=2,col=3,endColumn=4"
        "::100%25%0Ab"
    )


def test_markdown_escapes_messages(report: Report) -> None:
    rows = [line for line in written("markdown", report).splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(report.findings)
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}
    odd = Finding("HUB1", "error", "`a|b` <script> *c* | `odd")
    (row,) = [
        line
        for line in written("markdown", Report((odd,), (), ())).splitlines()
        if line.startswith("| error")
    ]
    assert "<script>" not in row
    assert len(re.split(r"(?<!\\)\|", row)) == 6


def test_markdown_is_bounded(report: Report) -> None:
    many = structs.replace(report, findings=report.findings[:1] * 1000)
    text = written("markdown", many)
    assert "and 900 errors more." in text or "and 900 infos more." in text
    assert text.count("\n| ") < 120


def test_statistics_count_by_rule(report: Report) -> None:
    lines = written("statistics", report).splitlines()
    counts = [int(line.split()[0]) for line in lines[:-1]]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == len(report.findings)
    assert re.fullmatch(r"\d+  HUB\d{3}  [a-z-]+", lines[0])


def test_colors_need_a_terminal_or_force_color(
    report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hubkit.reporters import find_reporter

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def colored() -> bool:
        find_reporter("concise")(report, sys.stdout)
        return "\033[1;31m" in capsys.readouterr().out

    assert not colored()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert colored()
    assert "\033" not in written("concise", report)  # a file is no terminal
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored()
