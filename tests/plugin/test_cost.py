"""How often a model is built and run."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.scheduling import count_cores, share_cores
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


ALIKE = '''
import os as _os

import torch as _torch

dependencies = ["torch"]


class _Net(_torch.nn.Module):
    def __init__(self, width, in_float32=False):
        super().__init__()
        self.body, self.head = _torch.nn.Linear(3, width), _torch.nn.Linear(width, 2)
        self.in_float32 = in_float32

    def forward(self, x):
        with open(_os.environ["NOTES"], "a") as file:
            mode = "train" if self.training else "eval"
            file.write(f"{self.body.out_features} {mode} {str(x.dtype)[6:]}\\n")
        return self.head(self.body(x.float() if self.in_float32 else x))


def narrow():
    """Two wide."""
    return _Net(2)


def wide():
    """Four wide."""
    return _Net(4)


def promised():
    """Eight wide, and can be trained."""
    return _Net(8)


def switched():
    """Sixteen wide, and in float32."""
    return _Net(16, in_float32=True)
'''
INPUTS = "".join(
    f'[entrypoints.{name}]\ninput = "f32[B,3]"\n{more}'
    for name, more in {
        "narrow": "",
        "wide": "",
        "promised": "trainable = true\n",
        "switched": "",
    }.items()
)


CHECKS = "C101,C106,C201,C204,C205,C207,C209,C211,C212,C213"


def test_what_follows_from_a_design_is_tried_on_one_model_of_it(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    repo.write({"hubconf.py": ALIKE, "hubkit.toml": INPUTS})
    arguments = ("--hubconf", f"--hubconf-select={CHECKS}", "-v")
    said = outcomes(repo.run(*arguments, "--hubconf-report=report.json"))
    runs = (tmp_path / "notes").read_text().splitlines()
    # The model, a row of its copy, and one of a second build; then the model and a second build.
    assert (runs.count("2 eval float32"), runs.count("4 eval float32")) == (3, 2)
    noted = set(runs)
    assert {"2 train float32", "2 eval bfloat16"} <= noted
    assert not {"4 train float32", "4 eval bfloat16", "8 eval bfloat16"} & noted
    # What is promised is tried.
    assert "8 train float32" in noted
    assert {"16 train float32", "16 eval bfloat16"} <= noted
    assert {name: one for name, one in said.items() if "C213" in name} == {
        "narrow::C213": "PASSED",
        "wide::C213": "PASSED",
        "promised::C213": "PASSED",
        "switched::C213": "SKIPPED",
    }
    cases = {
        one["entrypoint"]: one
        for one in json.loads((repo.root / "report.json").read_text())["entrypoints"]
    }
    reasons = {
        name: next(one["reason"] for one in case["checks"] if one["code"] == "C213")
        for name, case in cases.items()
    }
    assert reasons["narrow"] == ""
    assert reasons["wide"] == "not tried: narrow, which has the same design, passes"
    (tmp_path / "notes").unlink()
    repo.run(*arguments, "--hubconf-all")
    noted = set((tmp_path / "notes").read_text().splitlines())
    assert {"4 train float32", "4 eval bfloat16", "8 eval bfloat16"} <= noted


def test_workers_share_the_cores(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    counting = ALIKE.replace("{mode} {str(x.dtype)[6:]}", "{_torch.get_num_threads()}")
    repo.write({"hubconf.py": counting, "hubkit.toml": INPUTS})
    repo.run("--hubconf", "--hubconf-select=C101,C201,C301", "-n", "2", warm_children=False)
    counted = {line.split()[1] for line in (tmp_path / "notes").read_text().splitlines()}
    assert counted == {str(max(1, count_cores() // 2))}


def test_what_the_user_says_about_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    share_cores(2)
    assert os.environ["OMP_NUM_THREADS"] == "3"


LOCKED = '''
import threading as _threading

import torch as _torch

dependencies = ["torch"]


class _Net(_torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lock = _threading.Lock()

    def forward(self, graph, edges):
        return graph.nodes[edges]


def net():
    """A net on graphs."""
    return _Net()
'''


def test_what_needs_no_input_is_judged_without_one(repo: HubRepo) -> None:
    repo.write({"hubconf.py": LOCKED})
    said = outcomes(repo.run("--hubconf", "--hubconf-select=C101,C106,C201,C209", "-v"))
    assert said["net::C201"] == "SKIPPED"
    assert said["net::C209"] == "FAILED"
