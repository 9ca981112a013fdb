"""Programs of users pass strict type checkers: with hubkit's own API, and with `hubkit stubs`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.commands.test_stubs import HOSTILE

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.torch]

HUBCONF = '''
dependencies = ["torch"]
from typing import Literal as _Literal
import torch as _torch


def unet(pretrained: bool = False, size: "_Literal['s', 'm']" = "s", device: "_torch.device" = "cpu"):
    """A U-Net."""
    return _torch.nn.Linear(1, 1)


def both():
    return _torch.nn.Linear(1, 1), _torch.nn.ReLU()
'''
PROGRAM = """
from pathlib import Path

import torch
import zoo

import hubkit

names: list[str] = hubkit.list("acme/net:v1.0", max_age=0)
text: str | None = hubkit.help(Path("repo"), names[0], trust_repo=True)
model: torch.nn.Module = hubkit.load(
    "acme/net", "unet", 3, pretrained=True, trust_repo="check", kwargs={"source": "x"}
)
state = hubkit.load_state_dict_from_url("https://example.org/net.pt", sha256="00", progress=False)
print(sorted(state), hubkit.get_dir(), hubkit.__version__)
hubkit.download_url_to_file("https://example.org/net.pt", "net.pt")
hubkit.set_dir(Path("hub"))
hubkit.install_as_torch_hub()
hubkit.uninstall_as_torch_hub()
module = hubkit.import_module("acme/net", "models.net")
print(module.__name__)
with hubkit.modules_of("acme/net"), hubkit.as_torch_hub():
    pass


@hubkit.as_torch_hub()
def decorated(count: int) -> int:
    return count


count: int = decorated(1)
try:
    hubkit.load("acme/net", "unet")
except hubkit.HubkitError as error:
    print(error.message, error.hint)

unet: torch.nn.Module = zoo.load_unet(True, size="m", device="cuda")
first, second = zoo.load_both()
print(unet.eval(), first.eval(), second.eval())
"""
WRONG = """
import hubkit
import zoo

hubkit.list(3)  # wrong
hubkit.load("acme/net", "unet", trust_repo="perhaps")  # wrong
zoo.load_unet(pretrain=True)  # wrong
zoo.load_unet(size="l")  # wrong
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: programs, and two modules that `hubkit stubs` wrote."""
    folder = tmp_path_factory.mktemp("user")
    for name, hubconf in (("zoo", HUBCONF), ("hostile", HOSTILE)):
        (folder / f"{name}_repo").mkdir()
        (folder / f"{name}_repo" / "hubconf.py").write_text(hubconf, "utf-8")
        command = ["stubs", str(folder / f"{name}_repo"), "-o", str(folder / f"{name}.py")]
        assert CliRunner().invoke(main, command).exit_code == 0
    (folder / "program.py").write_text(PROGRAM)
    (folder / "wrong.py").write_text(WRONG)
    return folder


def check(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        # pyright's package fetches what it lacks from npm, unless that is offline.
        env={**os.environ, "NPM_CONFIG_OFFLINE": "true", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )


def mypy(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    # The settings of this repo, which are strict, so that its cache of torch's types can be used.
    options = (
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    )
    return check(folder, "mypy", *options, *files)


def lines_of(text: str, name: str) -> set[int]:
    """The lines of a file that a type checker reports."""
    lines = (line for line in text.splitlines() if f"{name}:" in line and "error" in line)
    return {int(line.partition(f"{name}:")[2].partition(":")[0]) for line in lines}


WRONG_LINES = {at for at, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")}


def test_mypy(folder: Path) -> None:
    done = mypy(folder, "program.py", "zoo.py", "hostile.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_of(mypy(folder, "wrong.py").stdout, "wrong.py") == WRONG_LINES


def test_pyright(folder: Path) -> None:
    if importlib.util.find_spec("pyright") is None or check(folder, "pyright", "-h").returncode:
        pytest.skip("pyright is not installed")
    command = ("pyright", "--pythonpath", sys.executable)
    done = check(folder, *command, "program.py", "zoo.py", "hostile.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_of(check(folder, *command, "wrong.py").stdout, "wrong.py") == WRONG_LINES
