"""The report of a run: what is in it, and that it is the same wherever the checks ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import hubkit.conformance
from hubkit.conformance import read_report

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

SCHEMA: Any = json.loads(
    Path(hubkit.conformance.__file__).with_name("report.schema.json").read_text("utf-8")
)
FILES = {
    "hubconf.py": '''
def first():
    """One."""


def second():
    return 2


def third():
    return 3
''',
    "hubkit.toml": """
representative = ["first", "second"]
[entrypoints.third]
expected = { C104 = "written next week" }
""",
}


@pytest.fixture
def plain(repo: HubRepo) -> HubRepo:
    repo.write(FILES)
    return repo


def written(repo: HubRepo, *arguments: str) -> dict[str, Any]:
    """The report of a run."""
    select = ("--hubconf", "--hubconf-report=out/report.json", "-p", "no:cacheprovider")
    # Workers are processes anyway.
    (repo.run if "-n" in arguments else repo.run_here)(*select, *arguments)
    document: dict[str, Any] = json.loads((repo.root / "out/report.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def outcomes(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        one["entrypoint"]: {check["code"]: check["outcome"] for check in one["checks"]}
        for one in (document["whole"], *document["entrypoints"])
    }


def test_a_report_tells_what_became_of_each_check_and_why(plain: HubRepo) -> None:
    plain.commit()
    plain.git("remote", "add", "origin", "https://github.com/acme/shapes.git")
    plain.write({"notes.txt": "later"})
    document = written(plain, "--hubconf-select=C101,C104,C105,C202", "--hubconf-shard=1/1")
    assert outcomes(document) == {
        "": {"C101": "passed"},
        "first": {"C104": "passed", "C105": "passed", "C202": "inapplicable"},
        "second": {"C104": "failed", "C105": "passed", "C202": "inapplicable"},
        "third": {"C104": "expected", "C105": "passed"},
    }
    second, third = document["entrypoints"][1:]
    reasons = {one["code"]: one["reason"] for one in second["checks"]}
    assert reasons["C104"].startswith("torch.hub.help prints nothing for second")
    assert third["checks"][0]["reason"] == "written next week"
    assert {"reason": "not representative", "codes": ["C202"]} in third["unexercised"]
    assert document["repo"] == "acme/shapes"
    assert document["uncommitted"] > 0
    assert document["commit"]
    assert document["digest"].startswith("sha256:")
    assert document["policy"]["select"] == ["C101", "C104", "C105", "C202"]
    assert document["lint"] == "failed"
    assert not document["interrupted"]


@pytest.mark.slow
def test_workers_report_what_one_process_does(plain: HubRepo) -> None:
    select = "--hubconf-select=C101,C104,C105"
    alone, shared = written(plain, select), written(plain, select, "-n", "2")
    assert outcomes(alone) == outcomes(shared)
    for one, other in zip(alone["entrypoints"], shared["entrypoints"], strict=True):
        assert one["levels"] == other["levels"]
        assert one["unexercised"] == other["unexercised"]


def test_checks_that_did_not_run_are_reported(plain: HubRepo) -> None:
    document = written(plain, "--hubconf-select=C104,C105", "-x", "--deselect=hubconf.py::check")
    assert document["interrupted"]
    assert outcomes(document)["third"] == {}
    assert {"reason": "interrupted", "codes": ["C104", "C105"]} in document["entrypoints"][2][
        "unexercised"
    ]


def test_other_forms_are_made_from_the_same_report(plain: HubRepo) -> None:
    forms = ("card.md", "hub.svg", "endpoint=shield.json", "conformance.json", "hub.html")
    result = plain.run_here(
        "--hubconf", "--hubconf-select=C104", *(f"--hubconf-report={form}" for form in forms)
    )
    read = read_report(plain.root / "conformance.json")
    assert [one.label for one in read.cases] == ["first", "second", "third"]
    assert (plain.root / "card.md").read_text().startswith("| entrypoint |")
    assert (plain.root / "hub.svg").read_text().startswith("<svg ")
    assert json.loads((plain.root / "shield.json").read_text())["message"] == "failing"
    assert "torch.hub.help prints nothing for second" in (plain.root / "hub.html").read_text()
    result.stdout.fnmatch_lines([f"markdown: {plain.root / 'card.md'}"])


def test_failures_are_reported_with_evidence_and_fix(plain: HubRepo) -> None:
    document = written(plain, "--hubconf-select=C104,C106")
    first, second, _ = document["entrypoints"]
    assert first["help"] == {
        "signature": "first()", "docstring": "One.", "parameters": [], "place": "hubconf.py:2",
    }  # fmt: skip
    (failure,) = second["checks"][0]["failures"]
    assert failure["message"].startswith("torch.hub.help prints nothing for second")
    assert failure["place"] == "hubconf.py:6"
    assert failure["fix"]
    assert document["summaries"]["C104"] == "`torch.hub.help` has something to print."


MODEL = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3))
        self.blocks = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(6)))
        self.tied = self.blocks[0]
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.blocks(x))


def net(width=4):
    '''Half a character: \\ud800.

    Args:
        width: The width.
    '''
    return Net()
"""


@pytest.mark.torch
def test_a_model_is_described(repo: HubRepo) -> None:
    config = '[entrypoints.net]\ninput = "f32[B,4]"\n'
    repo.write({"hubconf.py": MODEL, "hubkit.toml": config})
    (net,) = written(repo, "--hubconf-select=C104,C201")["entrypoints"]
    assert net["modules"] == [
        {"name": "", "kind": "parameters of its own", "count": 1, "parameters": 3},
        {"name": "blocks.0 to blocks.5", "kind": "Linear", "count": 6, "parameters": 120},
        {"name": "head", "kind": "Linear", "count": 1, "parameters": 10},
    ]
    assert net["measured"]["bytes"] == 133 * 4
    assert (net["input"]["values"], net["output"]) == (["float32[2, 4]"], "float32[2, 2]")
    assert net["help"]["parameters"] == [
        {"name": "width", "annotation": "", "default": "4", "description": "The width."}
    ]
    read = read_report(repo.root / "out/report.json")
    assert read.cases[0].help.docstring.startswith("Half a character: \ufffd.")


MADE = '''\
import torch as _torch

dependencies = ["torch"]


def _make(size):
    def build(width: int = 3):
        """A layer.

        Args:
            width: Its width.
        """
        return _torch.nn.Linear(width, size)

    return build


def _sizes():
    return (int(_text) for _text in __import__("os").environ.get("SIZES", "1 2").split())


globals().update({f"net{_size}": _make(_size) for _size in _sizes()})
'''


@pytest.mark.torch
def test_an_entrypoint_that_is_made_at_run_time_is_described(repo: HubRepo) -> None:
    repo.write({"hubconf.py": MADE, "hubkit.toml": '[entrypoints.net1]\ninput = "f32[B,3]"\n'})
    document = written(repo, "--hubconf-select=C106")
    (described,) = (one["help"] for one in document["entrypoints"] if one["entrypoint"] == "net1")
    assert described["signature"] == "net1(width: int = 3)"
    assert described["docstring"].startswith("A layer.")
    assert described["place"] == "hubconf.py:7"
    assert described["parameters"] == [
        {"name": "width", "annotation": "int", "default": "3", "description": "Its width."}
    ]


def test_findings_of_the_linter_are_in_the_report(repo: HubRepo) -> None:
    source = "import timm as _t\n\ndependencies = []\n\n\ndef net():\n    return 1\n"
    repo.write({"hubconf.py": source})
    document = written(repo, "--hubconf-select=C105")
    assert document["lint"] == "failed"
    found = {one["code"]: one for one in document["findings"]}
    assert found["HUB105"]["severity"] == "error"
    assert found["HUB105"]["places"] == ["hubconf.py:1"]
    read = read_report(repo.root / "out/report.json")
    assert {one.code for one in read.findings} == set(found)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("hub.htm", "the ending '.htm' of 'hub.htm' does not name a report format"),
        ("hub", "'hub' without an ending does not name a report format"),
        ("hub", "ends in .html, .json, .md or .svg"),
        ("htlm=hub.html", "Did you mean `html`?"),
    ],
)
def test_an_unknown_format_is_an_error(plain: HubRepo, report: str, said: str) -> None:
    result = plain.run_here("--hubconf", f"--hubconf-report={report}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


def test_a_report_that_cannot_be_written_is_an_error(plain: HubRepo) -> None:
    plain.write({"out": "a file"})
    result = plain.run_here("--hubconf", "--hubconf-select=C105", "--hubconf-report=out/hub.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "out/hub.json: " in result.stderr.str()


def test_junit_says_what_was_checked(plain: HubRepo) -> None:
    plain.run_here("--hubconf", "-k", "first and (C104 or C111)", "--junitxml=report.xml")
    report = (plain.root / "report.xml").read_text()
    for name, value in (("check", "C104"), ("level", "1"), ("entrypoint", "first")):
        assert f'<property name="hubkit.{name}" value="{value}"' in report
    assert '<property name="hubkit.feature" value="yes"' in report
