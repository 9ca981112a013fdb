"""The pre-commit hook and the GitHub action, run the way their hosts run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
ACTION: Any = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
HOOKS: Any = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
SLOPPY = 'dependencies = ["torch"]\nimport timm as _timm\n\n\ndef net():\n    """A net."""\n'


def test_the_hook_of_init_watches_what_the_hook_of_this_repo_watches() -> None:
    template = ROOT / "templates/_common/.pre-commit-config.yaml.jinja"
    lines = [line.strip() for line in template.read_text("utf-8").splitlines()]
    (hook,) = HOOKS
    assert f"files: {hook['files']}" in lines
    for name in ("pass_filenames", "require_serial"):
        assert f"{name}: {str(hook[name]).lower()}" in lines
    pattern = re.compile(hook["files"])
    for watched in ("a/b.py", "hubkit.toml", "pyproject.toml", ".gitattributes", "LICENSE"):
        assert pattern.search(watched)


class Runner:
    """Runs the steps of the action as a runner does: bash on a file, inputs as variables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = folder / "repo"
        self.summary = folder / "summary.md"
        self.temp = folder / "temp"
        self.repo.mkdir()
        self.temp.mkdir()
        self.summary.touch()
        (self.repo / "hubconf.py").write_text(SLOPPY, "utf-8")

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        step = next(step for step in ACTION["runs"]["steps"] if step["name"] == name)
        assert step["shell"] == "bash"
        script = self.folder / "script.sh"
        script.write_text(step["run"], "utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.repo,
            env={**os.environ, **self._variables(step["env"], inputs)},
            check=False,
            capture_output=True,
            text=True,
        )

    def check(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        return self.run("hubkit check", **inputs)

    def _variables(self, env: Mapping[str, str], inputs: Mapping[str, str]) -> dict[str, str]:
        known = {name: one["default"] for name, one in ACTION["inputs"].items()}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= known.keys()
        values = {**known, **given}
        return {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
            **{name: _expand(text, values) for name, text in env.items()},
        }


def _expand(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner on which hubkit is installed."""
    made = Runner(tmp_path)
    (made.temp / "hubkit" / "bin").mkdir(parents=True)
    program = made.temp / "hubkit" / "bin" / "hubkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hubkit "$@"\n', "utf-8")
    program.chmod(0o755)
    return made


def test_the_action_annotates_and_sums_up(runner: Runner) -> None:
    done = runner.check()
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error title=hubkit HUB105 undeclared-import,file=hubconf.py,")
    assert done.stdout.splitlines()[-1].startswith("Found 1 error")
    assert "| error&nbsp;HUB105 | `hubconf.py:2` |" in runner.summary.read_text("utf-8")


def test_the_action_adds_to_the_summary_of_its_step(runner: Runner) -> None:
    runner.summary.write_text("before\n", "utf-8")
    runner.check(select="HUB102")
    text = runner.summary.read_text("utf-8")
    assert text.startswith("before\n### hubkit check\n")
    assert text.endswith("All checks passed.\n")


def test_the_actions_inputs_reach_hubkit(runner: Runner) -> None:
    sarif = runner.folder / "out.sarif"
    done = runner.check(select="HUB105,HUB3", ignore="HUB3", fail_on="never", sarif=str(sarif))
    assert done.returncode == 0, done.stderr
    log = json.loads(sarif.read_text("utf-8"))
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["HUB105"]
    assert runner.check(args="--exit-zero  --preview").returncode == 0
    assert runner.check(args="--isolated --exit-zero", path=str(runner.repo)).returncode == 0


def test_what_cannot_be_checked_fails_the_step(runner: Runner) -> None:
    done = runner.check(path="nowhere")
    assert done.returncode == 2
    assert "Folder not found: './nowhere'" in done.stderr
    assert runner.summary.read_text("utf-8") == ""


def test_the_path_of_the_action_is_always_a_folder(runner: Runner) -> None:
    """Given to hubkit as it is, a/b would be a repo on GitHub."""
    folder = runner.repo / "own" / "rep"
    folder.mkdir(parents=True)
    (folder / "hubconf.py").write_text(SLOPPY, "utf-8")
    for path in ("own/rep", "./own/rep", str(folder)):
        done = runner.check(path=path)
        assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("name", ["path", "select", "ignore", "fail_on", "sarif", "args"])
@pytest.mark.parametrize("text", ["$(touch pwned) `touch pwned`; touch pwned", "* --help"])
def test_no_input_becomes_a_command(runner: Runner, name: str, text: str) -> None:
    before = {path.name for path in runner.repo.iterdir()}
    done = runner.check(**{name: text})
    assert "pwned" not in {path.name for path in runner.repo.iterdir()}
    assert {path.name for path in runner.repo.iterdir()} - before <= {text}
    assert done.returncode in (0, 1, 2)


def test_scripts_of_the_action_hold_no_expressions() -> None:
    assert not [step for step in ACTION["runs"]["steps"] if "${{" in step["run"]]
    used = re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8"))
    assert sorted(used) == sorted(ACTION["inputs"])


def test_the_action_runs_no_module_of_the_repo(tmp_path: Path) -> None:
    made = Runner(tmp_path)
    for name in ("venv", "pip", "runpy"):
        (made.repo / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" --without-pip\n')
    python.chmod(0o755)
    assert made.run("Install hubkit", python=str(python)).returncode
    assert (made.temp / "hubkit" / "bin" / "python").exists()
    assert not (tmp_path / "canary").exists()


@pytest.mark.slow
def test_the_action_installs_what_it_then_runs(tmp_path: Path) -> None:
    made = Runner(tmp_path)
    installed = made.run("Install hubkit", python=sys.executable)
    assert installed.returncode == 0, installed.stderr
    assert made.check().returncode == 1
    python = made.temp / "hubkit" / "bin" / "python"
    freeze = subprocess.run(
        [python, "-m", "pip", "list", "--format", "freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "torch-hubkit==" in freeze
    assert "\ntorch==" not in freeze


def hook() -> dict[str, Any]:
    (found,) = HOOKS
    assert found["id"] == "hubkit-check"
    return dict(found)


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("hubconf.py", True),
        ("models/deep/net.py", True),
        ("README.md", True),
        ("pyproject.toml", True),
        ("hubkit.toml", True),
        (".gitattributes", True),
        ("docs/picture.png", False),
        ("uv.lock", False),
        ("sub/pyproject.toml", False),
    ],
)
def test_the_hook_runs_when_something_that_it_judges_changes(path: str, runs: bool) -> None:
    assert bool(re.search(hook()["files"], path)) is runs


def test_the_hook_is_the_command_on_the_whole_repo(tmp_path: Path) -> None:
    program, *arguments = hook()["entry"].split()
    assert program == "hubkit"
    assert hook()["pass_filenames"] is False
    commit_files(tmp_path / "rep", {"hubconf.py": SLOPPY})
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments, *hook().get("args", [])],
        cwd=tmp_path / "rep",
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "HUB105" in done.stdout


def requirements() -> Iterator[str]:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.partition("\ndependencies = [")[2].partition("]")[0]
    yield from re.findall(r'"([\w-]+)', block)


def test_the_hooks_environment_has_no_torch() -> None:
    assert hook()["language"] == "python"
    assert "additional_dependencies" not in hook()
    assert "torch" not in set(requirements())
