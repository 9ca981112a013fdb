"""Checkpoints as people save them, and a hub repo to publish from."""

from __future__ import annotations

import os
import pickle
import random
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.warm import warm_children

if TYPE_CHECKING:
    from pathlib import Path

CARD = "MODEL_CARD.md"
REPO = ("--repo", "acme/nets")
HUBCONF = '''\
from pathlib import Path as _Path

import torch as _torch

dependencies = ["torch"]

_URL = "https://github.com/acme/nets/releases/download/v1.0/net-0123456789abcdef.pth"


def net(pretrained: bool = False, width: int = 2) -> _torch.nn.Module:
    """A linear layer | with weights that are downloaded.

    Args:
        pretrained: Load the trained weights.
        width: How wide it is.
    """
    model = _torch.nn.Linear(width, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            _URL, map_location="cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model


def bundled(pretrained: bool = False) -> _torch.nn.Module:
    """A linear layer with weights in the repo.

    Args:
        pretrained: Load the trained weights.
    """
    model = _torch.nn.Linear(2, 1)
    if pretrained:
        path = _Path(__file__).parent / "weights" / "bundled.pth"
        model.load_state_dict(_torch.load(path, map_location="cpu", weights_only=True))
    return model
'''


FILES: dict[str, str | bytes] = {
    "hubconf.py": HUBCONF,
    "weights/bundled.pth": b"no real weights",
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge\n"
    "The above copyright notice\n",
    "pyproject.toml": '[project]\nname = "nets"\ndescription = "Nets: linear ones"\n'
    'keywords = ["vision", "toy"]\nauthors = [{ name = "Ada" }]\n'
    '[tool.hubkit.entrypoints.net]\nweights = { bytes = 31042345, params = 7763041, sha256 = "'
    + "0123456789abcdef"
    * 4
    + '" }\n'
    '[tool.hubkit.entrypoints.bundled]\ninput = "f32[B,3,H,W] in [0,1]"\ndims = { H = "16n", W = 32 }\n',
}


DRY = ("--dry-run", "--level", "0")
READY: dict[str, str | bytes] = {
    "hubconf.py": HUBCONF.replace("v1.0/", "v1.1.0/"),
    "weights/bundled.pth": b"no real weights",
    "LICENSE": "Mine.\n",
    "README.md": '```python\ntorch.hub.load("acme/nets:v1.1.0", "net")\n```\n',
    "CHANGELOG.md": "# Changes\n\n## v1.1.0\n\n- More.\n",
    "CITATION.cff": "cff-version: 1.2.0\ntitle: Nets\nversion: 1.1.0\n",
    "pyproject.toml": '[project]\nname = "nets"\nversion = "1.1.0"\n\n'
    "[tool.hubkit.entrypoints.net]\n"
    f'weights = {{ bytes = 12, sha256 = "{"0123456789abcdef" * 4}" }}\n',
}


class _Runs:
    """Would run if anybody unpickled it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("exit 9",)


@pytest.fixture(autouse=True)
def _warm_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run here start children in which torch is imported already."""
    if request.node.get_closest_marker("torch"):
        warm_children(monkeypatch)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one checkpoint of each kind."""
    import safetensors.torch
    import torch

    folder = tmp_path_factory.mktemp("checkpoints")
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    state = net.state_dict()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(5, 4)).sum().backward()
    optimizer.step()
    shared, halves = torch.rand(5), torch.rand(10)
    torch.save(state, folder / "net.pth")
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save(net, folder / "model.pt")
    torch.save(
        {"epoch": 3, "state_dict": state, "optimizer": optimizer.state_dict()},
        folder / "train.pth.tar",
    )
    torch.save({"epoch": 3, "model": net}, folder / "whole.pt")
    torch.save({f"module.{name}": value for name, value in state.items()}, folder / "parallel.pth")
    torch.save({"embed": shared, "head": shared, "other": halves}, folder / "shared.pth")
    torch.save({"left": halves[:5], "right": halves[5:]}, folder / "halves.pth")
    torch.save({"a": shared, "x": _Runs()}, folder / "runs.pth")
    torch.save([shared], folder / "list.pth")
    torch.save({"epoch": 3}, folder / "epoch.pth")
    torch.save(
        {
            "epoch": 3,
            "state_dict": state,
            "optimizer_states": [optimizer.state_dict()],
            "hyper": {},
        },
        folder / "lightning.ckpt",
    )
    torch.save(
        {"model": state, "ema": {"shadow": state}, "optimizer": optimizer.state_dict()},
        folder / "ema.pt",
    )
    torch.save(torch.nn.Linear(2, 1).state_dict(), folder / "linear.pth")
    torch.save(torch.nn.Linear(3, 1).state_dict(), folder / "wide.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        traced = torch.jit.trace(torch.nn.Linear(2, 1), torch.rand(1, 2))  # type: ignore[no-untyped-call]
        traced.save(folder / "script.pt")
    (folder / "own_model.py").write_text("import torch\n\n\nclass Own(torch.nn.Linear): ...\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        torch.save(import_module("own_model").Own(2, 1), folder / "own.pt")
        patch.delitem(sys.modules, "own_model")
    safetensors.torch.save_file(dict(state), folder / "net.safetensors")
    (folder / "text.pth").write_text("no checkpoint")
    (folder / "random.pth").write_bytes(random.Random(0).randbytes(5000))
    (folder / "plain.pkl").write_bytes(pickle.dumps({"epoch": 3}))
    (folder / "cut.pth").write_bytes((folder / "net.pth").read_bytes()[:-100])
    (folder / "cut-old.pth").write_bytes((folder / "old.pth").read_bytes()[:100])
    return folder


def hubkit(*arguments: str | Path) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def in_repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub repo outside git, as the working directory."""
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF, "utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub repo in git, as the working directory."""
    folder = tmp_path / "nets"
    commit_files(folder, FILES)
    monkeypatch.chdir(folder)
    return folder


def read(repo: Path) -> str:
    """The card."""
    return (repo / CARD).read_bytes().decode()


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo whose version 1.1.0 can be tagged, as the working directory."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "nets"
    commit_files(folder, READY)
    git("tag", "v1.0.0", cwd=folder)
    monkeypatch.chdir(folder)
    assert hubkit("card").exit_code == 0
    commit_files(folder, {})
    return folder


def read_items(result: Result) -> dict[str, tuple[str, str]]:
    """State and text of each point; of several with one name, the worst."""
    found: dict[str, tuple[str, str]] = {}
    for line in result.stdout.splitlines():
        state, _, rest = line.partition("  ")
        name, colon, message = rest.strip().partition(": ")
        is_point = state.strip() in ("ok", "note", "missing") and colon and line[:1] != " "
        if is_point and found.get(name, ("ok",))[0] != "missing":
            found[name] = (state.strip(), message)
    return found


def missing(result: Result) -> dict[str, str]:
    assert result.exit_code == 1, result.output
    return {
        name: message for name, (state, message) in read_items(result).items() if state == "missing"
    }
