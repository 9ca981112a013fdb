"""The made repos at work: before training, and briefly trained. tests/test_readme.py trains one fully."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.lint import lint_repo
from tests.git_host import commit_files
from tests.scaffold.samples import write_template
from tests.scaffold.test_templates import ANSWERS
from tests.warm import run_python

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = [pytest.mark.torch, pytest.mark.slow]

LOCAL = """
import sys, torch
model = torch.hub.load(sys.argv[1], sys.argv[2], source="local", **eval(sys.argv[3])).eval()
with torch.inference_mode():
    print(tuple(model(torch.zeros(2, 1, 32, 32)).shape), model.classes)
"""
# Trains each briefly, and loads it as torch.hub would once its asset is downloaded.
STRATEGIES = """
import pathlib, runpy, shutil, sys, torch
cache = pathlib.Path(torch.hub.get_dir(), "checkpoints")
cache.mkdir(parents=True)
for module in sys.argv[1:]:
    folder = pathlib.Path(module).resolve()
    sys.path.insert(0, str(folder))
    sys.argv = ["train", "--steps", "2"]
    runpy.run_module(f"{module}.train", run_name="__main__")
    del sys.modules[module], sys.modules[f"{module}.model"]
    sys.modules.pop(f"{module}.release", None)
    for asset in folder.glob("dist/*.pth"):
        shutil.copy(asset, cache)
    options = {} if module == "never" else {"pretrained": True}
    model = torch.hub.load(folder, module, source="local", **options).eval()
    shape = tuple(model(torch.zeros(2, 1, 32, 32)).shape)
    print("loaded", module, shape, "pretrained" in options)
"""


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent / "home"
    home_variables = {"HOME": str(home), "TORCH_HOME": str(home / "torch")}
    environment = {**os.environ, **home_variables, **variables}
    return run_python(*command, cwd=folder, env=environment, warm_children=True)


def python(folder: Path, code: str, *arguments: str, **variables: str) -> str:
    done = run(folder, "-c", code, *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said_by_training(folder: Path, module: str, *arguments: str) -> str:
    done = run(folder, "-m", f"{module}.train", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["shapes_tiny", "shapes"])
def test_before_training_there_is_a_model_and_a_clear_word_about_weights(
    name: str, tmp_path: Path
) -> None:
    repo = write_template(tmp_path / "shapes", "classifier", {})
    assert python(repo, LOCAL, str(repo), name, "{}").startswith("(2, 3)")
    done = run(repo, "-c", LOCAL, str(repo), name, "{'pretrained': True}")
    assert done.returncode == 1
    assert "run python -m shapes.train first" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("template", "answers"),
    [
        ("classifier", {**ANSWERS["short"], "weights": "none", "config": "hubkit.toml"}),
        ("minimal", ANSWERS["short"]),
    ],
)
def test_the_suite_passes_before_any_training(
    template: str, answers: dict[str, str], tmp_path: Path
) -> None:
    repo = write_template(tmp_path / "shapes", template, answers)
    commit_files(repo, {})
    done = run(repo, "-m", "pytest", "--hubconf", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_weights_end_up_where_they_were_asked_for(tmp_path: Path) -> None:
    strategies = {"stays": "in-repo", "goes": "release", "never": "none"}
    for module, weights in strategies.items():
        given = {"module": module, "weights": weights, "repo": f"acme/{module}"}
        write_template(tmp_path / module, "classifier", given)
    said = python(tmp_path, STRATEGIES, *strategies)
    assert [line for line in said.splitlines() if line.startswith("loaded")] == [
        "loaded stays (2, 3) True",
        "loaded goes (2, 3) True",
        "loaded never (2, 3) False",
    ]
    made = {
        module: {p.parent.name for p in (tmp_path / module).glob("*/*.pt*")}
        for module in strategies
    }
    assert made == {"stays": {"weights"}, "goes": {"dist"}, "never": {"dist"}}
    for module in strategies:
        repo = tmp_path / module
        assert not lint_repo(read_repo(repo), read_config(repo)).findings


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    repo = write_template(tmp_path / "shapes", "classifier", ANSWERS["short"])
    said = [said_by_training(repo, "a", "--steps", "3", "--seed", seed) for seed in "112"]
    assets = [re.findall(r"dist/(\S+)", text) for text in said]
    assert assets[0] == assets[1]
    assert assets[0] != assets[2]
    assert lint_repo(read_repo(repo), read_config(repo)).exit_code == 0
