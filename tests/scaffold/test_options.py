"""Every template with every option: linted, formatted, and valid to those who read the files."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.lint import lint_repo
from hubkit.scaffold import DEFAULT, EXISTING, MINIMAL, read_template, read_templates
from tests.scaffold.samples import SAMPLE, write_template
from tests.scaffold.test_templates import PICKY, ruff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ODD = 'Zoë "O\'Neil" \\ 模型: #1'


def parts(name: str) -> list[str]:
    return [one.name for one in read_template(name).questions if one.kind == "bool"]


def choices(name: str) -> list[dict[str, str]]:
    """Every combination of the questions that always offer a choice."""
    asked = [one for one in read_template(name).questions if one.choices and not one.when]
    combined = product(*(one.choices for one in asked))
    return [dict(zip((one.name for one in asked), picked, strict=True)) for picked in combined]


def answer_sets(name: str) -> Iterator[dict[str, str]]:
    """Each choice with all parts, with none, with each one left out; the first with each alone."""
    names = parts(name)
    everything, nothing = dict.fromkeys(names, "yes"), dict.fromkeys(names, "no")
    switches = [everything, nothing]
    switches += [{**everything, one: "no"} for one in names]
    for index, picked in enumerate(choices(name)):
        alone = [{**nothing, one: "yes"} for one in names] if index == 0 else []
        for switched in [*switches, *alone] if names else [{}]:
            yield {**picked, **switched}
    for license_name in (
        "NONE",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "GPL-3.0-only",
    ):
        yield {"license": license_name, "author": ODD, "description": ODD}
    if "site" in names:
        yield {"site": "yes", "host": "gitlab"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Every template with every set of answers, each in a folder called ``shapes``."""
    root = tmp_path_factory.mktemp("made")
    repos: dict[str, list[Path]] = {}
    for name in [template.name for template in read_templates()]:
        known = {question.name for question in read_template(name).questions}
        for index, answers in enumerate(answer_sets(name)):
            given = {key: value for key, value in answers.items() if key in known}
            if not given and index:
                continue
            repos.setdefault(name, []).append(
                write_template(root / name / str(index) / "shapes", name, given)
            )
    return repos


def test_there_are_as_many_as_there_are_options(made: dict[str, list[Path]]) -> None:
    counts = {name: len(repos) for name, repos in made.items()}
    assert counts[DEFAULT] == 8 * (2 + len(parts(DEFAULT))) + len(parts(DEFAULT)) + 7
    assert counts[EXISTING] == 2 + 2 * len(parts(EXISTING)) + 7
    assert counts[MINIMAL] == 2 + 2 * len(parts(MINIMAL)) + 6


def test_the_linter_finds_nothing_but_a_missing_license(made: dict[str, list[Path]]) -> None:
    for repo in (repo for repos in made.values() for repo in repos):
        config = read_config(repo)
        report = lint_repo(read_repo(repo), config)
        missing = [] if (repo / "LICENSE").exists() else ["HUB801"]
        assert [one.code for one in report.findings] == missing, repo
        names = {one.name for one in require_hubconf(read_repo(repo)).entrypoints}
        assert set(config.entrypoints) <= names, repo


def test_all_are_formatted_and_clean_to_ruff(made: dict[str, list[Path]]) -> None:
    root = made[DEFAULT][0].parent.parent.parent
    own = "--config=lint.isort.known-first-party=['shapes', 'shapenets']"
    theirs = [f"--exclude={name}" for name in SAMPLE if name.endswith(".py")]
    assert not ruff("format", "--diff", *theirs, "--exclude=shapenets", ".", cwd=root)
    assert not ruff("check", *PICKY, own, *theirs, "--exclude=shapenets", ".", cwd=root)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", ".github/workflows/hub.yml"),
        ("vendor.github-workflows", ".github/workflows/site.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_files_that_others_read_are_what_they_take(
    made: dict[str, list[Path]], schema: str, path: str
) -> None:
    # Many are the same to the letter.
    distinct = {
        (repo / path).read_bytes(): repo / path
        for repos in made.values()
        for repo in repos
        if (repo / path).is_file()
    }
    assert distinct
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run(
        [*command, *map(str, distinct.values())], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "commands"),
    [
        (".github/workflows/hub.yml", ("pytest --hubconf", "hubkit card --check")),
        (".github/workflows/site.yml", ("hubkit site --out _site",)),
    ],
)
def test_actions_are_pinned_by_commit_and_may_only_read(
    made: dict[str, list[Path]], path: str, commands: tuple[str, ...]
) -> None:
    import re

    import yaml

    for name in (DEFAULT, EXISTING):
        text = (made[name][0] / path).read_text("utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        used = re.findall(r"uses: (.*)", text)
        assert used
        assert all(
            re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used
        )
        runs = [
            step["run"]
            for job in workflow["jobs"].values()
            for step in job["steps"]
            if "run" in step
        ]
        assert set(commands) <= set(runs)
        assert not [run for run in runs if "${{" in run]


def test_a_part_that_is_left_out_is_not_there(made: dict[str, list[Path]]) -> None:
    files = {
        "ci": ".github/workflows/hub.yml",
        "site": ".github/workflows/site.yml",
        "pre_commit": ".pre-commit-config.yaml",
        "attributes": ".gitattributes",
        "citation": "CITATION.cff",
        "license_file": "LICENSE",
        "card": "MODEL_CARD.md",
        "readme": "README.md",
        "tests": "tests/test_hub.py",
    }
    assert set(parts(DEFAULT)) == {*files, "ci_card"}
    everything, nothing = made[DEFAULT][:2]
    assert all((everything / path).is_file() for path in files.values())
    assert not [path for path in files.values() if (nothing / path).exists()]
    for index, name in enumerate(parts(DEFAULT)):
        without, alone = made[DEFAULT][2 + index], made[DEFAULT][2 + len(parts(DEFAULT)) + index]
        mine = [name] if name in files else []
        assert [part for part, path in files.items() if not (without / path).exists()] == mine
        assert [part for part, path in files.items() if (alone / path).exists()] == mine
