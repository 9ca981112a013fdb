"""``hubkit init`` where there is code already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.analysis import read_repo, require_hubconf
from hubkit.cli import main
from tests.git_host import commit_files
from tests.scaffold.conftest import entrypoints, init, read_tree, write_tree
from tests.scaffold.samples import MADE, SAMPLE
from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_tree(tmp_path / "here", SAMPLE)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.torch
def test_existing_models_are_published_and_stay_unchanged(here: Path) -> None:
    result = init("--defaults", "--repo", "acme/nets")
    assert result.exit_code == 0, result.stderr
    there = read_tree(here)
    assert set(there) == {*SAMPLE, *MADE}
    assert there["MODEL_CARD.md"].startswith(b"# Model card: nets\n")
    assert b'title: "nets"\n' in there["CITATION.cff"]
    assert {name: there[name].decode() for name in SAMPLE} == SAMPLE
    assert entrypoints(here) == ["tiny", "wide", "unet"]
    assert "  unet  shapenets/unet.py:15 (not verified: it was not built)\n" in result.stdout
    assert (
        "Skipped ColorLoss of shapenets.classify: a loss or a metric, judging by its name"
        in result.stdout
    )
    assert "hubkit check: All checks passed." in result.stdout
    steps = result.stdout.partition("Next steps:\n")[2].splitlines()
    assert steps[:3] == [
        "  git init -b main",
        "  git add . && hubkit check",
        '  git commit -m "Publish on PyTorch Hub"',
    ]
    assert steps[-1] == "  hubkit release --report conformance.json --tag v0.1.0"
    config = there["hubkit.toml"].decode()
    assert "[entrypoints.wide]\ncall = { num_classes = 10 }\n" in config
    assert 'input = "f32[B,3,16,16]"' in config
    assert 'author = "Ada Lovelace"' in config
    assert 'license = "MIT"' in config
    assert b"Ada Lovelace" in there["CITATION.cff"]


def test_dependencies_are_import_names_from_the_closure(here: Path) -> None:
    write_tree(
        here,
        {
            "shapenets/blocks.py": "import yaml\ntry:\n    import apex\nexcept ImportError:\n    apex = None\n"
            + SAMPLE["shapenets/blocks.py"].split("\n", 1)[1],
            "train.py": "import tensorboard\n",
            "requirements.txt": "pyyaml\ntorchmetrics\n",
        },
    )
    result = init("--defaults")
    assert "  dependencies: torch, yaml\n" in result.stdout
    assert 'dependencies = ["torch", "yaml"]\n' in (here / "hubconf.py").read_text()
    assert "pip install pyyaml\n" in (here / ".github/workflows/hub.yml").read_text()


def test_some_all_or_none_can_be_chosen(here: Path) -> None:
    assert (
        "Other models, which --entrypoints can select: unet\n"
        in init("--entrypoints", "tiny, wide", "--dry-run").stdout
    )
    init("--bare", "--entrypoints", "unet")
    assert entrypoints(here) == ["unet"]
    (here / "hubconf.py").unlink()
    init("--bare", "--entrypoints", "all")
    assert entrypoints(here) == ["tiny", "wide", "unet"]
    (here / "hubconf.py").unlink()
    result = init("--bare", "--entrypoints", "none")
    assert result.exit_code == 0
    assert "No usable model found" not in result.stdout
    assert "Other models, which --entrypoints can select: unet, tiny, wide\n" in result.stdout
    assert not (here / "hubconf.py").exists()
    result = init("--entrypoints", "tny")
    assert result.exit_code == 2
    assert "entrypoints: No model 'tny' was found here" in result.stderr
    assert "Did you mean `tiny`?" in result.stderr


def test_an_existing_hubconf_is_never_touched(here: Path) -> None:
    mine = 'dependencies = ["torch"]\n\n\ndef net():\n    """Mine."""\n    return 1\n'
    (here / "hubconf.py").write_text(mine)
    for arguments in ((), ("--overwrite",), ("--bare", "--overwrite")):
        result = init("--defaults", *arguments)
        assert result.exit_code == 0, result.stderr
        assert "  kept         hubconf.py\n" in result.stdout
        assert "Entrypoints:" not in result.stdout
        assert (here / "hubconf.py").read_text() == mine


def test_existing_files_of_the_kind_are_kept_and_no_second_is_made(here: Path) -> None:
    theirs = {
        ".pre-commit-config.yaml": "repos: []\n",
        ".gitattributes": "*.pth filter=lfs\n",
        "CITATION.cff": "cff-version: 1.2.0\n",
        "COPYING": SAMPLE["LICENSE"],
        "pyproject.toml": '[project]\nname = "x"\ndescription = "Small nets"\nauthors = [{ name = "Grace" }]\n',
        ".github/workflows/test.yml": "on: push\n",
    }
    (here / "LICENSE").unlink()
    write_tree(here, theirs)
    result = init("--defaults")
    there = read_tree(here)
    assert {name: there[name].decode() for name in theirs} == theirs
    assert "LICENSE" not in there
    assert "differs" not in result.stdout
    config = there["hubkit.toml"].decode()
    assert 'author = "Grace"' in config
    assert 'description = "Small nets"' in config
    assert "pre_commit = false" in config


def test_a_config_in_pyproject_gets_no_twin(here: Path) -> None:
    write_tree(here, {"pyproject.toml": "[tool.hubkit]\nfail-on = 'error'\n"})
    assert init("--defaults").exit_code == 0
    assert not (here / "hubkit.toml").exists()
    assert (here / "hubconf.py").is_file()


def test_no_license_is_made_up_for_code_that_has_none(here: Path) -> None:
    (here / "LICENSE").unlink()
    result = init("--defaults")
    assert not (here / "LICENSE").exists()
    assert "To add a license, pass --license MIT" in result.stdout
    assert init("--license", "mit", "--license-file", "--defaults").exit_code == 0
    assert (here / "LICENSE").read_text().startswith("MIT License")


def test_weights_are_distinguished(here: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    readme = SAMPLE["README.md"] + (
        "https://github.com/acme/nets/releases/download/v1/unet-0123abcd.pth\n"
        "https://example.org/other.pth\nhttps://example.org/unet-old.pth\n"
    )
    write_tree(here, {"weights/tiny.pth": pointer, "old.pt": "text", "README.md": readme})
    result = init("--defaults")
    assert "Weights: weights/tiny.pth is a Git LFS pointer" in result.stdout
    assert "Weights: skipped old.pt: contains more than tensors" in result.stdout
    assert (
        "Weights: skipped https://example.org/other.pth: its name does not match a model"
        in result.stdout
    )
    assert "unet.py:15, with weights from https://github.com/acme/nets/" in result.stdout
    used = "https://github.com/acme/nets/releases/download/v1/unet-0123abcd.pth"
    assert f"skipped https://example.org/unet-old.pth: unet loads {used}" in result.stdout
    assert "hubkit check: All checks passed." in result.stdout
    uses = require_hubconf(read_repo(here)).checkpoints
    assert [(one.url or "")[-17:] for one in uses] == ["unet-0123abcd.pth"]
    tiny = require_hubconf(read_repo(here)).entrypoint("tiny")
    assert tiny is not None
    assert [one.name for one in tiny.parameters or ()] == ["num_classes"]


def test_models_that_cannot_be_imported_are_not_proposed(here: Path) -> None:
    write_tree(here, {"shapenets/unet.py": "from .gone import X\n" + SAMPLE["shapenets/unet.py"]})
    readme = SAMPLE["README.md"].replace("from shapenets import", "from shapenets.unet import")
    write_tree(here, {"shapenets/__init__.py": "", "README.md": readme})
    result = init("--defaults")
    assert entrypoints(here) == ["tiny", "wide"]
    assert "Skipped unet of shapenets.unet: there is no module" in result.stdout
    assert "All checks passed." in result.stdout


def test_reports_and_files_of_releases_are_ignored_and_no_line_is_lost(here: Path) -> None:
    theirs = "# mine\n__pycache__/\ndist"
    write_tree(here, {".gitignore": theirs})
    result = init("--defaults")
    assert "  updated      .gitignore\n" in result.stdout
    text = (here / ".gitignore").read_text()
    assert text.startswith(f"{theirs}\n\n")
    reports = {"check.xml", "conformance.json", "conformance.xml", "hubkit.sarif", "report.html"}
    assert {f"/{name}" for name in reports} <= set(text.splitlines())
    assert "/dist/" not in text  # theirs covers it
    assert "  kept         .gitignore\n" in init("--defaults").stdout
    assert (here / ".gitignore").read_text() == text


def test_what_init_reports_is_what_the_next_check_reports(here: Path) -> None:
    (here / "LICENSE").unlink()
    (here / ".gitignore").write_text("ignored/\n")
    commit_files(here, {})
    made = init("--defaults", "--license", "MIT")
    checked = CliRunner().invoke(main, ["check", str(here)])
    assert checked.exit_code == 0, checked.stdout
    assert checked.stdout.endswith("  help: Run `git add .`, and commit.\n\nFound 1 info.\n")
    shown = checked.stdout.replace("\n\nFound", "\nhubkit check: Found")
    assert shown in made.stdout
    source = (here / "hubconf.py").read_text()
    write_tree(here, {"ignored/extra.py": "X = 1\n"})
    (here / "hubconf.py").write_text(f"from ignored.extra import X as _X\n{source}")
    again = CliRunner().invoke(main, ["check", str(here)])
    assert "error[HUB601] `ignored` is ignored by git" in again.stdout


def test_only_what_git_tracks_is_published(here: Path) -> None:
    commit_files(here, {})
    write_tree(here, {"scratch.py": SAMPLE["shapenets/classify.py"].replace("tiny", "draft")})
    init("--defaults")
    assert "draft" not in entrypoints(here)


def test_a_repo_that_runs_when_it_is_read_is_never_run(here: Path) -> None:
    trap = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    run = SAMPLE["shapenets/unet.py"].replace("from .blocks", "from shapenets.blocks")
    write_tree(here, {"trap.py": trap + run, "setup.py": trap})
    result = init("--defaults")
    assert "Skipped the models of trap.py: importing it runs a script" in result.stdout
    assert not (here / "ran").exists()


LOAD = """
import sys, torch
root = sys.argv[1]
image = torch.rand(2, 3, 16, 16)
for name, options in (("tiny", {}), ("wide", {"num_classes": 3}), ("unet", {}), ("deepnet", {"pretrained": True})):
    model = torch.hub.load(root, name, source="local", **options).eval()
    print(name, tuple(model(image).shape), type(model).__module__)
print(float(model.head.bias.sum()))
print([path for path in sys.path if path.startswith(root)])
"""


@pytest.mark.slow
@pytest.mark.torch
def test_it_reaches_its_levels_and_loads_under_torch_hub(here: Path) -> None:
    import torch

    deep = SAMPLE["shapenets/classify.py"].split("class Classifier")[0] + (
        "from deepnets.tools import FEATURES\n\n\n"
        "class DeepNet(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.head = nn.Linear(FEATURES, 2)\n\n"
        "    def forward(self, images):\n        return self.head(images.mean(dim=(2, 3)))\n"
    )
    write_tree(
        here,
        {
            "src/deepnets/__init__.py": "",
            "src/deepnets/tools.py": "FEATURES = 3\n",
            "src/deepnets/deepnet.py": deep,
        },
    )
    head = {"module.head.weight": torch.zeros(2, 3), "module.head.bias": torch.full((2,), 21.0)}
    torch.save({"epoch": 1, "state_dict": head}, here / "deepnet_best.pth")
    result = init("--defaults")
    assert "with weights from deepnet_best.pth" in result.stdout
    assert "All checks passed." in result.stdout
    commit_files(here, {})
    done = run_python("-c", LOAD, str(here), check=True)
    assert done.stdout.splitlines() == [
        "tiny (2, 4) shapenets.classify",
        "wide (2, 3) shapenets.classify",
        "unet (2, 3, 16, 16) shapenets.unet",
        "deepnet (2, 2) deepnets.deepnet",
        "42.0",
        "[]",
    ]
    promised = ("-m", "hubkit_l1 or hubkit_l2", "-p", "no:cacheprovider")
    done = run_python(
        "-m", "pytest", "--hubconf", *promised, cwd=here, check=True, warm_children=True
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    levels = {
        row[0]: row[1:3] for row in rows if row and row[0] in ("tiny", "wide", "unet", "deepnet")
    }
    assert set(levels) == {"deepnet", "tiny", "unet", "wide"}
    assert all(reached[0] == "ok" for reached in levels.values())
    assert levels["unet"] == ["ok", "ok"]  # the one whose input the README shows


def test_code_without_a_model_gets_no_placeholder(here: Path) -> None:
    for path in here.rglob("*.py"):
        path.unlink()
    (here / "tools.py").write_text("def add(a, b):\n    return a + b\n")
    before = read_tree(here)
    for arguments in ((), ("--dry-run",)):
        result = init("--defaults", *arguments)
        assert result.exit_code == 1
        assert "No usable model found.\n" in result.stdout
        assert "--template minimal" in result.stdout
        assert read_tree(here) == before
    assert init("--defaults", "--template", "minimal").exit_code == 0
    assert (here / "hubconf.py").is_file()


def test_models_that_need_more_are_mentioned(here: Path) -> None:
    more = (
        "from torch import nn\n\n\nclass _Net(nn.Module):\n    def forward(self, x):\n        return x\n\n\n"
        "class Sized(nn.Module):\n    def __init__(self, size: int):\n        super().__init__()\n\n"
        "    def forward(self, x):\n        return x\n\n\n"
        "class Overlap(nn.Module):\n    def forward(self, pred, target):\n        return pred\n"
    )
    write_tree(here, {"more.py": more, "metrics/f1.py": more.replace("Sized", "F1")})
    result = init("--defaults")
    assert {"sized", "overlap", "f1", "_net", "net"}.isdisjoint(entrypoints(here))
    for line in (
        "Sized of more: it requires `size`, and the repo shows no value for it",
        "_Net of more: its name starts with an underscore",
        "Overlap of more: a loss or a metric, judging by what it compares",
        "F1 of metrics.f1: a loss or a metric, judging by its file",
    ):
        assert f"Skipped {line}\n" in result.stdout


def test_required_arguments_come_from_the_configuration(here: Path) -> None:
    write_tree(here, {"config/wide.yaml": "model:\n  classes: 7\n"})
    init("--defaults")
    assert "def wide(num_classes: int = 7) ->" in (here / "hubconf.py").read_text()
