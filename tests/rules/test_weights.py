"""The advice of HUB505, which depends on what the file holds and how the code uses it."""

from __future__ import annotations

import argparse
import pickle
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.rules.weights import weights_only_off

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Finding

_HEAD = """\
import torch
from pathlib import Path

_FOLDER = Path(__file__).parent / "weights"
_URL = "https://example.org/acme-state.pth"

"""
# What pickles of a whole model and of a training state refer to.
_MODEL = b"\x80\x02ctorch.nn.modules.linear\nLinear\n."
_STATE = pickle.dumps({"model": {}, "options": argparse.Namespace(rate=1)}, 2)


def advice(tmp_path: Path, body: str, **files: bytes) -> Finding:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (tmp_path / "hubconf.py").write_text(f"{_HEAD}def net(path):\n{lines}")
    for name, content in files.items():
        file = tmp_path / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.with_suffix(".pth").write_bytes(content)
    (found,) = weights_only_off.function(read_repo(tmp_path))
    return found


@pytest.mark.parametrize(
    "body",
    [
        "model = torch.load(path)\nreturn model",
        "model = torch.load(path).float()\nmodel.eval()",
        "model = None\nmodel = torch.load(path)\nmodel = model.eval()\nreturn model",
        "model = torch.load(path)\nprint(model(1))",
        "return torch.load(path)['ema'].float().eval()",
        "return torch.hub.load_state_dict_from_url(path)",
    ],
)
def test_a_whole_model_is_to_be_converted(tmp_path: Path, body: str) -> None:
    found = advice(tmp_path, body)
    assert "`hubkit weights add FILE --state-dict`" in found.hint
    assert found.fix is None


@pytest.mark.parametrize(
    "body",
    [
        (
            "state = torch.load(path, weights_only=False)\nmodel = torch.nn.Linear(1, 1)\n"
            "model.load_state_dict(state)"
        ),
        "model = torch.load(path, weights_only=False)\nmodel = torch.nn.Linear(1, 1)\nreturn model.eval()",
        (
            "state = torch.load(path, weights_only=False)\n"
            "return torch.nn.Linear(*state['weight'].float().shape).eval()"
        ),
    ],
)
def test_a_state_dict_is_to_be_loaded_safely(tmp_path: Path, body: str) -> None:
    assert "Pass `weights_only=True`" in advice(tmp_path, body).hint


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("torch.load(_FOLDER / 'model.pth')", "weights/model.pth --state-dict"),
        ("torch.load('weights/model.pth')", "weights/model.pth --state-dict"),
        ("torch.load(_FOLDER / 'state.pth')", "weights/state.pth --key model"),
        ("torch.hub.load_state_dict_from_url(_URL)", "dist/acme-state.pth --key model"),
    ],
)
def test_the_file_decides_if_it_is_there(tmp_path: Path, body: str, command: str) -> None:
    files = {"weights__model": _MODEL, "weights__state": _STATE, "dist__acme-state": _STATE}
    found = advice(tmp_path, body, **files)
    assert f"`hubkit weights add {command}`" in found.hint


def test_a_file_with_tensors_only_is_to_be_loaded_safely(tmp_path: Path) -> None:
    plain = pickle.dumps({"model": {"weight": 1.0}}, 2)
    found = advice(
        tmp_path, "torch.load(_FOLDER / 'plain.pth', weights_only=False)", weights__plain=plain
    )
    assert "Pass `weights_only=True`" in found.hint


def test_the_default_of_weights_only_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(f"{_HEAD}def net(path):\n    torch.load(path)\n")
    assert list(weights_only_off.function(read_repo(tmp_path))) == []
