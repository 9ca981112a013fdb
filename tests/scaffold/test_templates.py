"""What every template renders to: formatted, linted, parsed, whatever the answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from hubkit._util.text import escape_markdown
from hubkit._util.toml import read_toml
from hubkit.analysis import read_repo, require_hubconf
from hubkit.commands.init import make_plan
from hubkit.config import read_config
from hubkit.lint import lint_repo
from hubkit.scaffold import (
    read_discovery,
    read_template,
    read_templates,
    render_template,
    resolve_answers,
)
from hubkit.scaffold.names import MAX_LENGTH
from hubkit.source import open_files
from tests.git_host import commit_files
from tests.scaffold.conftest import read_tree, write_tree
from tests.scaffold.samples import SAMPLE, write_template

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = [template.name for template in read_templates()]
ODD = 'Zoë "O\'Neil" \\ 模型 {{ x }} ${{ y }} </tag> #'
ANSWERS: dict[str, dict[str, str]] = {
    "plain": {},
    "short": {"module": "a", "entrypoint": "b", "repo": "c/d"},
    "long": {
        "module": "m" * MAX_LENGTH,
        "entrypoint": "e" * MAX_LENGTH,
        "repo": f"{'o' * 39}/{'r' * 100}",
        "description": "d" * 200,
    },
    "odd": {"name": ODD, "author": ODD, "description": ODD, "license": "BSD-3-Clause"},
    "apache": {"license": "Apache-2.0"},
    "own terms": {"license": "LicenseRef-Acme"},
}
PICKY = (
    "--extend-select=I,B,UP,D,RET,SIM,PTH,N,C4",
    "--extend-ignore=D107",
    "--config=lint.pydocstyle.convention='google'",
    "--config=lint.per-file-ignores={'**/tests/**' = ['D103']}",
)


@pytest.fixture(params=TEMPLATES)
def template_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=ANSWERS)
def repo(request: pytest.FixtureRequest, template_name: str, tmp_path: Path) -> Path:
    return write_template(tmp_path / "shapes", template_name, ANSWERS[request.param])


def ruff(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache"],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def test_it_is_formatted_and_clean_to_ruff(repo: Path) -> None:
    _forget_sample(repo)
    assert not ruff("format", "--diff", ".", cwd=repo)
    assert not ruff("check", *PICKY, ".", cwd=repo)


def _forget_sample(repo: Path) -> None:
    """Leave of code that was there before only that it was there: it is no matter of the template."""
    for name in SAMPLE:
        if name.endswith(".py") and (repo / name).is_file():
            (repo / name).write_text('"""Was here."""\n')


def test_names_of_every_length_stay_formatted(template_name: str, tmp_path: Path) -> None:
    for length in range(1, MAX_LENGTH + 1):
        answers = {"module": "m" * length, "entrypoint": "e" * length, "repo": "o/r"}
        _forget_sample(write_template(tmp_path / str(length), template_name, answers))
    assert not ruff("format", "--diff", ".", cwd=tmp_path)


def test_the_linter_finds_nothing_but_a_missing_license(repo: Path) -> None:
    report = lint_repo(read_repo(repo), read_config(repo))
    assert report.codes
    missing = [] if (repo / "LICENSE").exists() else ["HUB801"]
    assert [one.code for one in report.findings] == missing


def test_preview_rules_find_nothing_in_what_git_tracks(
    repo: Path, template_name: str, tmp_path: Path
) -> None:
    if template_name != "classifier":
        pytest.skip("a bare hubconf has no documents, and an existing repo has code of its own")
    shutil.copytree(repo, tmp_path / "repo")
    commit_files(tmp_path / "repo", {})
    files = open_files(tmp_path / "repo")
    report = lint_repo(read_repo(files), structs.replace(read_config(files), preview=True))
    assert "HUB806" in report.codes
    missing = [] if (repo / "LICENSE").exists() else ["HUB801"]
    assert [one.code for one in report.findings] == missing


def test_configured_entrypoints_are_those_of_the_hubconf(repo: Path) -> None:
    hubconf = require_hubconf(read_repo(repo))
    assert not hubconf.leaks
    assert not hubconf.has_dynamic_names
    names = {entrypoint.name for entrypoint in hubconf.entrypoints}
    described = set(read_config(repo).entrypoints)
    assert described == names or (described < names and (repo / "shapenets").is_dir())


def test_texts_end_in_one_newline_and_have_no_stray_spaces(repo: Path) -> None:
    for name, content in read_tree(repo).items():
        text = content.decode("utf-8")
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert not [line for line in text.splitlines() if line != line.rstrip()], name
        assert "\n\n\n\n" not in text, name


def test_no_text_recommends_an_unrelated_package(repo: Path) -> None:
    assert not [name for name, text in read_tree(repo).items() if b"pip install hubkit" in text]


def test_answers_are_read_back(repo: Path) -> None:
    found = read_discovery(repo)
    template = read_template(found.template)
    asked = [question.name for question in template.questions]
    assert [name for name, _ in found.answers] == [
        name for name in asked if name in dict(found.answers)
    ]
    again = make_plan(repo, "", {}, interactive=False)
    there = read_tree(repo)
    assert {file.path: file.content for file in again.files}.items() <= there.items()


def test_odd_texts_arrive_as_they_were_given(tmp_path: Path) -> None:
    repo = write_template(tmp_path / "shapes", "classifier", ANSWERS["odd"])
    project = read_toml(repo / "pyproject.toml")["project"]
    assert isinstance(project, dict)
    assert project["description"] == ODD
    assert project["authors"] == [{"name": ODD}]
    assert ODD in (repo / "LICENSE").read_text("utf-8")
    # Markdown, which shows it as it was given.
    assert escape_markdown(ODD) in (repo / "README.md").read_text("utf-8")


def test_weights_are_published_and_release_assets_are_not(tmp_path: Path) -> None:
    repo = write_template(tmp_path / "shapes", "classifier", {})
    write_tree(repo, {"weights/shapes_tiny.pt": "", "dist/shapes-00000000.pth": ""})
    subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=repo,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "weights/shapes_tiny.pt" in listed
    assert not [name for name in listed if name.startswith("dist/")]


def test_an_existing_license_is_kept(tmp_path: Path) -> None:
    write_tree(tmp_path, {"COPYING": "Mozilla Public License Version 2.0"})
    template, found = read_template("classifier"), read_discovery(tmp_path)
    files = {
        file.path: file.content.decode()
        for file in render_template(template, resolve_answers(template, {}, found), found)
    }
    assert "LICENSE" not in files
    assert 'license = "MPL-2.0"' in files["pyproject.toml"]


def test_the_package_can_be_built(tmp_path: Path) -> None:
    repo = write_template(tmp_path / "shapes", "classifier", ANSWERS["odd"])
    write_tree(repo, {"weights/x.pt": "", "dist/y.pth": "", "meta/.keep": ""})
    code = "import setuptools.build_meta as b; b.prepare_metadata_for_build_wheel('meta')"
    subprocess.run([sys.executable, "-c", code], cwd=repo, check=True, capture_output=True)
    metadata = next((repo / "meta").glob("*/METADATA")).read_text("utf-8")
    assert "Name: shapes\nVersion: 0.1.0\n" in metadata
    assert "License-Expression: BSD-3-Clause\n" in metadata
    top_level = next((repo / "meta").glob("*.dist-info/top_level.txt"))
    assert top_level.read_text("utf-8").split() == ["shapes"]
