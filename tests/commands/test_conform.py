"""``hubkit conform``, as a process of its own."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from msgspec import structs

from hubkit.cli import main
from hubkit.conformance import write_report
from tests.conformance.test_report import REPORT, SMALL, ran
from tests.warm import run_python

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

HUBCONF = '''
def words(text="a b"):
    """Splits a text."""
    return str.split


def undocumented():
    return str.upper
'''
CONFIG = """
fail-on = "never"
[entrypoints.words]
kind = "transform"
[entrypoints.undocumented]
kind = "transform"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    (tmp_path / "hubkit.toml").write_text(CONFIG)
    # Nothing of this may matter.
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("import not_installed_here\n")
    return tmp_path


def conform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_ADDOPTS": "--no-such-option"}
    return run_python(
        "-m", "hubkit", "conform", *arguments, cwd=folder, env=environment, warm_children=True
    )


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@pytest.mark.torch
def test_conform_ignores_the_pytest_configuration_of_the_repo(folder: Path) -> None:
    select = ("--select=C104,C105", "--report", "out/hub.json", "--report=card.md")
    done = conform(folder.parent, folder.name, *select)
    assert (done.returncode, done.stderr) == (1, "")
    assert "torch.hub.help prints nothing for undocumented" in done.stdout
    assert "words         ok, 2 of 7" in done.stdout
    report = read(folder.parent / "out/hub.json")
    assert report["policy"]["select"] == ["C104", "C105"]
    assert [one["level"] for one in report["entrypoints"]] == [0, 0]
    assert (folder.parent / "card.md").is_file()
    assert not (folder / ".pytest_cache").exists()


@pytest.mark.torch
def test_one_entrypoint_and_one_level(folder: Path) -> None:
    done = conform(folder, ".", "words", "--level", "1", "-v")
    assert done.returncode == 0, done.stdout
    assert "hubconf.py::words::C104-help PASSED" in done.stdout
    assert "undocumented" not in done.stdout.partition("= hubconf")[0]
    assert "C201" not in done.stdout


@pytest.mark.torch
def test_json_is_the_report_and_quiet_drops_progress(folder: Path) -> None:
    done = conform(folder, "--level=1", "--json")
    answer = json.loads(done.stdout)
    assert (answer["command"], done.returncode) == ("conform", 1)
    assert {one["entrypoint"] for one in answer["report"]["entrypoints"]} == {
        "words",
        "undocumented",
    }
    assert "undocumented  " in done.stderr
    quiet = conform(folder, "--level=1", "-q")
    assert quiet.stdout.lstrip().startswith("====")
    assert "FAILED hubconf.py::undocumented" in quiet.stdout
    assert "undocumented  " in quiet.stdout


@pytest.mark.torch
def test_pytest_variables_are_restored(folder: Path) -> None:
    program = (
        "import atexit, os; from hubkit.cli import main\n"
        "said = lambda: {name: os.environ[name] for name in os.environ if 'PYTEST' in name}\n"
        "atexit.register(lambda: print(said()))\n"
        "main(['conform', '--select=C104', '.'])"
    )
    environment = {"PATH": os.environ["PATH"], "PYTEST_ADDOPTS": "--no-such-option"}
    done = run_python("-c", program, cwd=folder, env=environment)
    assert done.stdout.endswith("{'PYTEST_ADDOPTS': '--no-such-option'}\n"), done.stderr


@pytest.mark.torch
def test_input_fixtures_of_the_conftest_are_used(folder: Path) -> None:
    hook = "def pytest_hubkit_inputs(entrypoint, model, dims):\n    return TEXT\n"
    (folder / "tests").mkdir()
    (folder / "tests/beside.py").write_text("TEXT = 'hello hub'\n")
    (folder / "tests/conftest.py").write_text(f"from beside import TEXT\n\n{hook}")
    done = conform(folder, ".", "words", "--select=C201,C204", "--report=hub.json")
    assert done.returncode == 0, done.stdout
    assert read(folder / "hub.json")["entrypoints"][0]["input"]["from"].startswith("pytest_hubkit")


@pytest.mark.torch
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "error: nowhere is not a folder"),
        (["--select=quite"], "Did you mean `quiet`?"),
        (["--shard=4/2"], "'4/2' is not a shard"),
        ([".", "nobody"], "is not in the hubconf"),
        (["--report=pdf=x"], "'pdf' is not a report format"),
        (["--report=x.htm"], "the ending '.htm' of 'x.htm' does not name a report format"),
    ],
)
def test_runs_that_cannot_start_exit_with_2(folder: Path, arguments: list[str], said: str) -> None:
    done = conform(folder, *arguments)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_extras_are_named_with_the_install_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = CliRunner().invoke(main, ["conform", str(folder)])
    assert done.exit_code == 1
    assert "hubkit conform needs torch, which is not installed" in done.stderr
    assert "Install it: pip install torch\n" in done.stderr


@pytest.mark.torch
def test_an_earlier_report_is_shown_and_converted(folder: Path) -> None:
    conform(folder, "--select=C104", "--report=hub.json")
    again = CliRunner().invoke(
        main, ["conform", "--from", str(folder / "hub.json"), "--report", str(folder / "hub.svg")]
    )
    assert again.exit_code == 1
    assert "undocumented  C104" in again.stdout
    assert "failing" in (folder / "hub.svg").read_text()


def test_runs_are_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    broken = structs.replace(SMALL, checks=(*SMALL.checks[:-1], ran("C305", "failed", "no file")))
    environment = {**REPORT.environment, "torch": "2.10.0"}
    after = structs.replace(REPORT, cases=(broken, *REPORT.cases[1:]), environment=environment)
    for name, report in (("before", REPORT), ("after", after)):
        write_report([report], "json", folder / f"{name}.json")
    command = ["conform", "--from", "before.json", "--from", "after.json"]
    done = CliRunner().invoke(main, [*command, "--report", "report.html"])
    assert done.exit_code == 1
    assert "torch 2.10.0\nentrypoint" in done.stdout
    *_, changed, written = done.stdout.splitlines()
    assert changed.split() == ["small", "C305", "check-305", "inapplicable", "failed", "worse"]
    assert written == f"html: {folder / 'report.html'}"
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")
    answer = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    assert [one["code"] for one in answer["changes"]] == ["C305"]
    assert [one["environment"]["torch"] for one in answer["others"]] == ["2.9.0"]
    refused = CliRunner().invoke(main, [*command, "--report", "both.json"])
    assert refused.exit_code == 2
    assert "a report as json has one run, not 2" in refused.stderr
    assert not (folder / "both.json").exists()
