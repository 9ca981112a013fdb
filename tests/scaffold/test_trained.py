"""The made repos at work: trained, judged, published and loaded, by hubkit and by torch.hub."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.lint import lint_repo
from tests.git_host import GitHost, commit_files, git
from tests.scaffold.samples import write_template
from tests.scaffold.test_templates import ANSWERS, ruff

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
once_trained = pytest.mark.xdist_group("once trained")  # one worker, or each trains its own

MINIATURE = "shapes_tiny"
LOCAL = """
import sys, torch
model = torch.hub.load(sys.argv[1], sys.argv[2], source="local", **eval(sys.argv[3])).eval()
with torch.inference_mode():
    print(tuple(model(torch.zeros(2, 1, 32, 32)).shape), model.classes)
"""
REMOTE = """
import sys, torch, hubkit
for name in hubkit.list("acme/shapes:v0.1.0"):
    options = dict(pretrained=True, trust_repo=True)
    model = hubkit.load("acme/shapes:v0.1.0", name, **options).eval()
    square = torch.zeros(1, 1, 32, 32)
    square[..., 8:24, 8:24] = 1
    with torch.inference_mode():
        print(name, model.classes[int(model(square).argmax())])
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
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "HOME": str(home), "TORCH_HOME": str(home / "torch"), **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def python(folder: Path, code: str, *arguments: str, **variables: str) -> str:
    done = run(folder, "-c", code, *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said_by_training(folder: Path, module: str, *arguments: str) -> str:
    done = run(folder, "-m", f"{module}.train", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A classifier, trained as its README says and released; and what the training said."""
    repo = write_template(tmp_path_factory.mktemp("trained") / "shapes", "classifier", {})
    said = said_by_training(repo, "shapes")
    commit_files(repo, {})
    git("tag", "v0.1.0", cwd=repo)
    return repo, said


@once_trained
def test_training_lowers_the_loss_and_says_so_briefly(trained: tuple[Path, str]) -> None:
    _, said = trained
    losses = [float(loss) for loss in re.findall(r"loss (\d\.\d+)", said)]
    half = len(losses) // 2
    for first, *_, last in (losses[:half], losses[half:]):
        assert last < first / 4
    shares = [float(share) for share in re.findall(r"3,000 new drawings: ([\d.]+)%", said)]
    assert len(shares) == 2
    assert min(shares) > 95
    assert len(said.splitlines()) < 20
    assert max(map(len, said.splitlines())) < 80


@once_trained
def test_training_writes_weights_an_asset_and_its_address(trained: tuple[Path, str]) -> None:
    repo, _ = trained
    (asset,) = (repo / "dist").iterdir()
    assert re.fullmatch(r"shapes-[0-9a-f]{8}\.pth", asset.name)
    release = (repo / "shapes" / "release.py").read_text("utf-8")
    address = f"https://github.com/acme/shapes/releases/download/v0.1.0/{asset.name}"
    assert f'URL = "{address}"\n' in release
    uses = require_hubconf(read_repo(repo)).checkpoints
    assert [use.url for use in uses] == [address]
    tracked = git("ls-files", cwd=repo).splitlines()
    assert f"weights/{MINIATURE}.pt" in tracked
    assert not [name for name in tracked if name.startswith("dist/") or "__pycache__" in name]


@once_trained
def test_after_training_it_is_as_clean_as_before(trained: tuple[Path, str]) -> None:
    repo, _ = trained
    assert not lint_repo(read_repo(repo), read_config(repo)).findings
    assert not ruff("format", "--diff", ".", cwd=repo)
    assert not ruff("check", ".", cwd=repo)


@once_trained
def test_after_training_the_suite_reaches_every_level(trained: tuple[Path, str]) -> None:
    repo, _ = trained
    done = run(repo, "-m", "pytest", "--hubconf", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("shapes")]
    assert sorted((name, *levels[:3]) for name, *levels in rows) == [
        ("shapes", "ok", "ok", "ok"),
        ("shapes_tiny", "ok", "ok", "ok"),
    ]


@once_trained
def test_both_entrypoints_load_from_the_host_with_their_weights(
    trained: tuple[Path, str], tmp_path: Path
) -> None:
    repo, _ = trained
    work = tmp_path / "elsewhere"
    work.mkdir()
    with GitHost() as host:
        host.add_repo("acme", "shapes", repo)
        host.add_asset("acme", "shapes", "v0.1.0", next((repo / "dist").iterdir()))
        said = python(work, REMOTE, HUBKIT_GITHUB_URL=host.url)
        assert [path for path in host.paths() if "/releases/download/v0.1.0/shapes-" in path]
    assert sorted(said.split("\n")) == ["", "shapes square", "shapes_tiny square"]


@once_trained
def test_torch_hub_loads_both_with_their_weights(trained: tuple[Path, str], tmp_path: Path) -> None:
    repo, _ = trained
    work, cache = tmp_path / "elsewhere", tmp_path / "home" / "torch" / "hub" / "checkpoints"
    work.mkdir()
    cache.mkdir(parents=True)
    # What torch.hub would have downloaded from the release: there is no network here.
    shutil.copy(next((repo / "dist").iterdir()), cache)
    for name in (MINIATURE, "shapes"):
        said = python(work, LOCAL, str(repo), name, "{'pretrained': True}")
        assert said == "(2, 3) ('circle', 'square', 'triangle')\n"


@pytest.mark.parametrize("name", [MINIATURE, "shapes"])
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
        ("classifier", {**ANSWERS["long"], "weights": "in-repo", "card": "no"}),
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
