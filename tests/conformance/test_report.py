"""A report as a file, and what is rendered from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from msgspec import structs

import hubkit.conformance
from hubkit.conformance import (
    read_report,
    render_endpoint,
    render_json,
    render_markdown,
    render_svg,
    render_table,
)
from hubkit.conformance.render import format_bytes, format_count, format_seconds
from hubkit.errors import UsageError
from hubkit.facts import (
    NOT_REPRESENTATIVE,
    CaseResult,
    CheckResult,
    ConformanceReport,
    Measured,
    Unexercised,
    WeightsFile,
    WeightsResult,
)

if TYPE_CHECKING:
    from hubkit.facts import Outcome

SCHEMA: Any = json.loads(
    Path(hubkit.conformance.__file__).with_name("report.schema.json").read_text("utf-8")
)


def ran(code: str, outcome: Outcome = "passed", reason: str = "", *, feature: bool = False) -> Any:
    level = int(code[1])
    return CheckResult(code, f"check-{code[1:]}", level, not feature, outcome, reason, 0.25)


SMALL = CaseResult(
    "small",
    call="small(pretrained=False)",
    checks=(
        ran("C104"),
        ran("C111", feature=True),
        ran("C201"),
        ran("C204", "expected", "a <sampler> | by *design*"),
        ran("C208", "unsupported", feature=True),
        ran("C301"),
        ran("C305", "inapplicable", "nothing is declared"),
    ),
    input='input "f32[B,4]" in hubkit.toml',
    measured=Measured(11_689_512, 0.12, 0.0034, 98_000_000),
)
BROKEN = CaseResult("wide", "grey", checks=(ran("C104"), ran("C106", "failed", "it\ndownloads")))
OTHER = CaseResult(
    "other", checks=(ran("C104"),), unexercised=(Unexercised(NOT_REPRESENTATIVE, ("C201", "C301")),)
)
WHOLE = CaseResult("", kind="", checks=(ran("C101"), ran("C303")))
REPORT = ConformanceReport(
    created="2026-01-02T03:04:05+00:00",
    repo="acme/shapes",
    commit="0123456789abcdef0123456789abcdef01234567",
    uncommitted=2,
    digest=f"sha256:{'ab' * 32}",
    environment={"python": "3.12.1", "torch": "2.9.0", "platform": "Linux x86_64"},
    policy={
        "network": "deny", "loopback": False, "device": "cpu", "level": 3, "select": [],
        "ignore": [], "slow": False, "all": False, "shard": None,
    },
    whole=WHOLE,
    lint="passed",
    cases=(SMALL, OTHER),
)  # fmt: skip
FAILING = structs.replace(REPORT, cases=(SMALL, BROKEN), interrupted=True)
BARE = structs.replace(
    REPORT, commit="", digest="", uncommitted=None, lint="", cases=(), whole=CaseResult("", kind="")
)


@pytest.mark.parametrize("report", [REPORT, FAILING, BARE], ids=["fine", "failing", "bare"])
def test_a_file_is_as_its_schema_says_and_reads_back(
    report: ConformanceReport, tmp_path: Path
) -> None:
    text = render_json(report)
    assert text.isascii()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    path = tmp_path / "conformance.json"
    path.write_text(text)
    assert read_report(path) == report


def test_the_schema_knows_every_field() -> None:
    document = json.loads(render_json(REPORT))
    assert set(SCHEMA["properties"]) == set(document)
    case, known = document["entrypoints"][0], SCHEMA["$defs"]
    assert set(known["case"]["properties"]) == set(case)
    assert set(known["check"]["properties"]) == set(case["checks"][0])
    assert set(known["outcomes"]["properties"]) == set(case["levels"]["1"])
    assert set(known["case"]["properties"]["measured"]["properties"]) == set(case["measured"])
    assert set(SCHEMA["properties"]["policy"]["properties"]) == set(document["policy"])


def test_fields_of_a_later_version_are_let_be(tmp_path: Path) -> None:
    document = json.loads(render_json(REPORT))
    document["entrypoints"][0]["measured"]["flops"] = 1
    document["entrypoints"][0]["checks"][0]["mood"] = "fine"
    path = tmp_path / "later.json"
    path.write_text(json.dumps(document))
    assert read_report(path) == REPORT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Cannot read .*: No such file"),
        ("{", "is not a conformance report"),
        ("[]", "is not a conformance report"),
        ('{"schema": 1}', "is not a conformance report"),
        ('{"schema": 2}', "has schema 2, but this version"),
    ],
)
def test_a_file_that_is_not_a_report_is_refused(
    text: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "conformance.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        read_report(path)
    assert caught.value.hint


def test_levels_build_on_one_another() -> None:
    assert [SMALL.verdict(level) for level in (1, 2, 3)] == ["reached", "exceptions", "reached"]
    assert [BROKEN.verdict(level) for level in (1, 2, 3)] == ["failed", "omitted", "omitted"]
    assert (SMALL.level, BROKEN.level, OTHER.level) == (3, 0, 1)
    half = structs.replace(SMALL, unexercised=(Unexercised("interrupted", ("C203",)),))
    assert (half.verdict(2), half.level) == ("partial", 1)
    skipped = structs.replace(SMALL, checks=(*SMALL.checks, ran("C203", "skipped")))
    assert (skipped.verdict(2), skipped.level) == ("skipped", 1)
    nothing = structs.replace(SMALL, checks=(ran("C104"), ran("C201", "inapplicable")))
    assert (nothing.verdict(2), nothing.level) == ("nothing", 2)


def test_a_repo_is_as_good_as_its_worst_entrypoint_that_stands_for_itself() -> None:
    assert REPORT.level == 3
    assert FAILING.level == 0
    assert BARE.level == 0
    selected = structs.replace(OTHER, unexercised=(Unexercised("not selected", ("C201",)),))
    assert structs.replace(REPORT, cases=(SMALL, selected)).level == 1
    whole = structs.replace(WHOLE, checks=(ran("C101"), ran("C303", "failed")))
    assert structs.replace(REPORT, whole=whole).level == 2


def test_the_table_tells_what_was_reached_and_what_was_left_out() -> None:
    assert render_table(REPORT).splitlines() == [
        "entrypoint  L1  L2           L3  features          parameters  forward  memory",
        "(the repo)  ok  -            ok  -",
        "small       ok  ok but C204  ok  1 of 2, not C208      11.7 M   3.4 ms   98 MB",
        "other       ok  -            -   -",
        "L2, L3: 1 of 2 entrypoints not checked, not representative",
        "C301 checks commit 0123456789ab, without 2 uncommitted changes",
    ]
    assert "wide[grey]  C106  -" in render_table(FAILING)
    assert "interrupted: checks that are not shown did not run" in render_table(FAILING)


def test_markdown_holds_a_table_reasons_and_what_it_was_run_with() -> None:
    lines = render_markdown(FAILING).splitlines()
    assert lines[1] == "| --- | --- | --- | --- | --- | --: | --: | --: |"
    assert len({line.count(" | ") for line in lines if line.startswith("|")}) == 1
    assert "- `wide[grey]` C106 check-106: it" in lines
    assert r"- `small` C204 check-204: a &lt;sampler> \| by \*design\*" in lines
    assert lines[-1] == (
        "`acme/shapes` at `0123456789ab`, 2026-01-02: torch 2.9.0, python 3.12.1, "
        "device cpu, network deny."
    )


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        (WeightsResult("small(pretrained=True)", "tried"), "tried"),
        (
            WeightsResult(
                "small(pretrained=True)", "tried", files=(WeightsFile("dist/a.pth", "ab", 1),)
            ),
            "tried, with `a.pth`",
        ),
        (
            WeightsResult(
                "small(pretrained=True)", "failed", "small(pretrained=True) raises E.\nMore"
            ),
            "failed: raises E.",
        ),
        (
            WeightsResult("small(pretrained=True)", "not tried", "not tried: it requests x"),
            "not tried: it requests x",
        ),
    ],
)
def test_markdown_says_for_each_entrypoint_whether_its_weights_were_tried(
    weights: WeightsResult, line: str
) -> None:
    case = structs.replace(REPORT.cases[0], weights=weights)
    text = render_markdown(structs.replace(REPORT, cases=(case, OTHER)))
    assert f"\nCalls with weights:\n\n- `small(pretrained=True)`: {line}\n\n" in text
    assert "Calls with weights" not in render_markdown(REPORT)


def test_weights_that_nobody_asked_for_are_not_missed() -> None:
    def table(reason: str) -> str:
        weights = WeightsResult("small(pretrained=True)", "not tried", reason)
        case = structs.replace(REPORT.cases[0], weights=weights)
        return render_table(structs.replace(REPORT, cases=(case,)))

    assert "weights not tried" in table("not tried: it requests x")
    assert "weights not tried" not in table("not selected")


@pytest.mark.parametrize(
    ("report", "message", "color"),
    [
        (REPORT, "level 3* (1 of 2)", "brightgreen"),
        (structs.replace(REPORT, cases=(OTHER,)), "level 1", "yellow"),
        (FAILING, "failing", "red"),
        (BARE, "not checked", "yellow"),
    ],
)
def test_badges_format_the_level(report: ConformanceReport, message: str, color: str) -> None:
    endpoint = json.loads(render_endpoint(report))
    assert endpoint == {
        "schemaVersion": 1, "label": "torch hub", "message": message, "color": color,
    }  # fmt: skip
    image = ET.fromstring(render_svg(report))
    texts = [one.text for one in image.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["torch hub", message]


def test_numbers_are_short() -> None:
    assert [format_count(one) for one in (None, 0, 38, 7_763_041)] == ["", "0", "38", "7.76 M"]
    assert [format_seconds(one) for one in (2.5, 0.0123, 2e-6)] == ["2.5 s", "12.3 ms", "2 us"]
    assert [format_bytes(one) for one in (512, 1_500_000)] == ["0.512 kB", "1.5 MB"]
