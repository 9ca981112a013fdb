"""How often a model is built and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.torch

COUNTING = '''
import os as _os

import torch as _torch

dependencies = ["torch"]


def _note(what):
    with open(_os.environ["NOTES"], "a") as file:
        file.write(what + "\\n")


class _Net(_torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = _torch.nn.BatchNorm1d(3)
        self.head = _torch.nn.Linear(3, 2)
        _note("build")

    def forward(self, x):
        mode = "train" if self.training else "eval"
        _note(f"{mode} {x.shape[0]} {str(x.dtype)[6:]}")
        return self.head(self.norm(x))

    def __deepcopy__(self, memo):
        _note("copy")
        other = _Net.__new__(_Net)
        memo[id(self)] = other
        other.__setstate__({
            name: __import__("copy").deepcopy(value, memo) for name, value in vars(self).items()
        })
        return other


def net(pretrained: bool = False):
    """A model of which everything is noted."""
    return _Net()
'''
INPUT = '[entrypoints.net]\ninput = "f32[B,3]"\ntrainable = true\n'


def test_one_model_is_built_three_times_and_run_six_times_for_two_levels(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    repo.write({"hubconf.py": COUNTING, "hubkit.toml": INPUT})
    result = repo.run("--hubconf", "--hubconf-level=2", "-v", "--deselect", "hubconf.py::check")
    assert set(outcomes(result).values()) == {"PASSED", "SKIPPED"}
    noted = notes.read_text().splitlines()
    # A child builds it once, and pytest's own process twice.
    assert noted.count("build") == 3
    assert noted.count("copy") == 1
    assert [one for one in noted if " " in one] == [
        "eval 2 float32",  # as declared
        "eval 1 float32",  # a copy, on one row
        "eval 1 float32",  # the second build with the weights of the first
        "train 1 float32",  # refused by batch norm, which wants more
        "train 2 float32",
        "eval 1 bfloat16",
    ]
