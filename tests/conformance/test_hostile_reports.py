"""A stranger's report.json: nothing of it becomes markup, and what is no report is refused."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from hubkit.conformance import read_report, render_endpoint, render_markdown, render_svg
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

EVIL = (
    "x` <img src=x onerror=alert(1)> [click](https://evil.example) | **b** @octocat #1 \x1b[2J\u202e"
    "\n<!-- hubkit:end conformance -->\n# Heading\n::error::pwned"
)
CHECK = {
    "code": "C204",
    "name": f"eval-{EVIL}",
    "level": 2,
    "required": True,
    "outcome": "failed",
    "reason": EVIL,
    "seconds": 0.1,
}
CASE = {
    "entrypoint": f"net{EVIL}",
    "case": EVIL,
    "kind": EVIL,
    "call": EVIL,
    "input": {"from": EVIL, "guessed": False},
    "measured": {"parameters": 1, "load_seconds": None, "forward_seconds": 0.1},
    "unexercised": [{"reason": EVIL, "codes": ["C301"]}],
    "checks": [CHECK, {**CHECK, "outcome": "expected", "code": "C205"}],
}
REPORT = {
    "schema": 1,
    "created": EVIL,
    "interrupted": True,
    "repo": EVIL,
    "commit": EVIL,
    "uncommitted": 1,
    "digest": EVIL,
    "environment": {"torch": EVIL, "python": EVIL},
    "policy": {"device": EVIL, "network": EVIL},
    "lint": None,
    "whole": {**CASE, "entrypoint": "", "case": ""},
    "entrypoints": [CASE],
}


def write(folder: Path, report: object) -> Path:
    path = folder / "report.json"
    path.write_text(json.dumps(report), "utf-8")
    return path


def without_code(markdown: str) -> str:
    """The text without its code spans, in which nothing is markup."""
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"\\[\\`]", "", markdown))


def test_markdown_shows_it_as_text(tmp_path: Path) -> None:
    shown = render_markdown(read_report(write(tmp_path, REPORT)))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    rest = without_code(shown)
    assert "<img" not in rest
    assert not re.search(r"(?<!\\)\]\(", rest.replace(r"\]", ""))
    assert "@octocat" not in rest
    assert "<!-- hubkit" not in rest
    lines = shown.splitlines()
    assert not [line for line in lines if line.startswith(("#", "::", "<!--"))]
    rows = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}


def test_the_table_is_escaped_and_forms_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, REPORT)
    reports = [
        f"--report={name}"
        for name in ("html=r.html", "markdown=r.md", "badge=r.svg", "endpoint=e.json")
    ]
    done = CliRunner().invoke(main, ["conform", "--from", "report.json", *reports])
    assert done.exit_code == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.output)
    assert not [line for line in done.output.splitlines() if line.startswith("::")]
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "r.html", "r.md", "r.svg", "e.json"
    }  # fmt: skip


def test_badges_hold_numbers_and_words_of_ours_alone(tmp_path: Path) -> None:
    report = read_report(write(tmp_path, REPORT))
    texts = [one.text for one in ET.fromstring(render_svg(report)).iter() if one.text]
    assert {text.strip() for text in texts} - {""} == {
        "torch hub",
        "not checked",
        "torch hub: not checked",
    }
    assert json.loads(render_endpoint(report))["message"] == "not checked"


def test_a_card_keeps_its_parts_whatever_the_report_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hubconf.py").write_text(
        "dependencies = ['x; touch pwned', '$(touch pwned)']\n\n\ndef net():\n"
        '    """A net. <!-- hubkit:end entrypoints --> <script>alert(1)</script>"""\n    return 1\n'
    )
    (tmp_path / "hubkit.toml").write_text(
        "[entrypoints.net]\ncall = { \"x=1);__import__('os')#\" = 1 }\n"
    )
    path = write(tmp_path, REPORT)
    command = ["card", "--repo", "acme/nets", "--report", str(path)]
    assert CliRunner().invoke(main, command).exit_code == 0
    card = (tmp_path / "MODEL_CARD.md").read_text("utf-8")
    assert CliRunner().invoke(main, [*command, "--check"]).exit_code == 0
    assert len(re.findall("(?m)^<!-- hubkit:(begin|end)", card)) == 10
    assert "<script" not in card
    assert "pip install 'x; touch pwned' '$(touch pwned)'" in card
    assert 'torch.hub.load("acme/nets", "net", **{"x=1);__import__(\'os\')#": 1})' in card


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("created",), 1),
        (("repo",), ["x"]),
        (("uncommitted",), "1"),
        (("uncommitted",), True),
        (("environment",), []),
        (("environment", "torch"), 2),
        (("policy",), "deny"),
        (("lint",), "maybe"),
        (("interrupted",), "no"),
        (("whole",), None),
        (("entrypoints",), {}),
        (("entrypoints", 0, "entrypoint"), 5),
        (("entrypoints", 0, "input"), "x"),
        (("entrypoints", 0, "measured", "parameters"), "many"),
        (("entrypoints", 0, "measured", "forward_seconds"), float("nan")),
        (("entrypoints", 0, "measured"), None),
        (("entrypoints", 0, "unexercised", 0, "codes"), "C301"),
        (("entrypoints", 0, "unexercised", 0, "codes"), ["<b>"]),
        (("entrypoints", 0, "checks", 0, "code"), "C204<b>"),
        (("entrypoints", 0, "checks", 0, "level"), 9),
        (("entrypoints", 0, "checks", 0, "level"), [1]),
        (("entrypoints", 0, "checks", 0, "outcome"), "great"),
        (("entrypoints", 0, "checks", 0, "seconds"), float("inf")),
        (("entrypoints", 0, "checks"), [None]),
        (("entrypoints", 0, "checks", 0, "failures"), ["x"]),
        (("entrypoints", 0, "help"), "x"),
        (("entrypoints", 0, "modules"), [{"name": 1}]),
        (("summaries",), {"C204": 1}),
    ],
)
def test_a_value_of_another_kind_is_refused(
    place: tuple[str | int, ...], value: object, tmp_path: Path
) -> None:
    report: Any = copy.deepcopy(REPORT)
    *outer, last = place
    inner = report
    for key in outer:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(UsageError, match="is not a conformance report"):
        read_report(write(tmp_path, report))


def test_a_report_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("[" * 200_000)
    with pytest.raises(UsageError, match="is not a conformance report"):
        read_report(path)
