"""How often a model is built and run, and that sharing runs among checks hides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.comparing import find_difference, is_finite
from pytest_hubkit.fingerprints import fingerprint
from pytest_hubkit.saving import find_unsafe, read_back
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
# Statistics of a batch of one are no numbers, but only in training, where nobody has such.
CROWDED = '''
import torch as _torch

dependencies = ["torch"]


class _Crowd(_torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = _torch.nn.Linear(3, 2)

    def forward(self, x):
        y = self.head(x)
        return y * y.std(0) if self.training else y


class _Totals(_Crowd):
    def forward(self, x):
        y = super().forward(x)
        return {"rows": y, "weight": self.head.weight.sum()}


def crowd(pretrained: bool = False):
    """A model that is trained on batches."""
    return _Crowd()


def totals(pretrained: bool = False):
    """A model that gives more than rows."""
    return _Totals()


class _Forgetful(_Crowd):
    """Counts as false, as what has a length of nothing does."""

    def __init__(self):
        super().__init__()
        self.offset = _torch.randn(2)

    def __len__(self):
        return 0

    def forward(self, x):
        return self.head(x) + self.offset


class _Spectrum(_Crowd):
    def forward(self, x):
        return _torch.fft.fft(self.head(x))


def spectrum(pretrained: bool = False):
    """A model that gives complex numbers."""
    return _Spectrum()


class _Alone(_Crowd):
    def __deepcopy__(self, memo):
        return self


def alone(pretrained: bool = False):
    """A model that is its own copy, and must not be changed as one."""
    return _Alone()


class _Lazy(_torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = _torch.nn.LazyBatchNorm1d()
        self.head = _torch.nn.LazyLinear(2)

    def forward(self, x):
        return self.head(self.norm(x))


def lazy(pretrained: bool = False):
    """A model that takes its shape from the first input."""
    return _Lazy()


def table(pretrained: bool = False):
    """A model whose gradients are sparse."""
    return _torch.nn.Embedding(7, 2, sparse=True)


def forgetful(pretrained: bool = False):
    """A model that does not save all that it is."""
    return _Forgetful()
'''
INPUT = '[entrypoints.{}]\ninput = "f32[B,3]"\ntrainable = true\n'


def test_one_model_is_built_three_times_and_run_six_times_for_two_levels(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    repo.write({"hubconf.py": COUNTING, "hubkit.toml": INPUT.format("net")})
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


def test_odd_models_pass_but_for_what_is_wrong_with_them(repo: HubRepo) -> None:
    declared = "\n".join(
        map(INPUT.format, ("crowd", "totals", "spectrum", "lazy", "alone", "forgetful"))
    )
    declared += '[entrypoints.table]\ninput = "i64[B,3] < 7"\ntrainable = true\n'
    repo.write({"hubconf.py": CROWDED, "hubkit.toml": declared})
    repo.commit()
    result = repo.run("--hubconf", "-v", "--deselect", "hubconf.py::check")
    said = outcomes(result)
    failed = [name for name, what in said.items() if what == "FAILED"]
    assert failed == ["alone::C209", "forgetful::C207"]
    names = ("crowd", "totals", "spectrum", "lazy", "table")
    assert {said[f"{name}::C212"] for name in names} == {"PASSED"}


def test_what_is_missing_in_one_output_only_is_a_difference() -> None:
    import torch

    nan = float("nan")
    assert find_difference(torch.tensor([1.0, nan]), torch.tensor([1.0, 0.0]))
    assert find_difference(torch.tensor([1.0, 0.0]), torch.tensor([1.0, nan]))
    assert not find_difference(torch.tensor([1.0, nan]), torch.tensor([1.0, nan]))


def test_large_numbers_are_finite_though_their_sum_is_not() -> None:
    import torch

    large = torch.full((4,), 3e38)
    assert is_finite(large)
    assert not is_finite(torch.tensor([1.0, float("inf")]))
    assert not is_finite(torch.tensor([float("inf"), float("-inf")]))


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16", "int8"])
def test_any_change_of_a_large_tensor_changes_its_checksum(name: str) -> None:
    import torch

    numbers = torch.arange(1100 * 1031).reshape(1100, 1031).remainder(100)
    tensor = numbers.to(getattr(torch, name))
    before = fingerprint(tensor)
    assert fingerprint(tensor.t().contiguous().t()) == before
    for place in ((0, 0), (500, 7), (1099, 1030)):
        changed = tensor.clone()
        changed[place] += 1
        assert fingerprint(changed) != before
    assert fingerprint(tensor.roll(1, 0)) != before
    assert fingerprint(tensor.flatten()[1:]) == fingerprint(tensor.flatten()[1:].clone())


def test_a_state_dict_is_read_back_with_all_that_belongs_to_it() -> None:
    import torch

    norm = torch.nn.BatchNorm1d(2)
    norm.register_buffer("sparse", torch.eye(2).to_sparse())
    state = norm.state_dict()
    state["note"] = {"made": [1, "two"]}
    assert not find_unsafe(state)
    loaded = read_back(state)
    assert loaded.keys() == state.keys()
    assert loaded["note"] == {"made": [1, "two"]}
    assert loaded["sparse"].is_sparse
    assert vars(loaded)["_metadata"] == vars(state)["_metadata"]
    loaded["running_mean"] += 1
    assert norm.running_mean is not None
    assert norm.running_mean.tolist() == [0, 0]
    state["hook"] = print
    assert list(find_unsafe(state)) == ["hook"]
