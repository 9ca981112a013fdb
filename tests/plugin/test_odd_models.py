"""Models that are unlike others: none is blamed for more than what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.torch


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
INPUT = '[entrypoints.{}]\ninput = "f32[B,3]"\ntrainable = true\ntrained = false\n'


@pytest.mark.slow
def test_odd_models_pass_but_for_what_is_wrong_with_them(repo: HubRepo) -> None:
    declared = "\n".join(
        map(INPUT.format, ("crowd", "totals", "spectrum", "lazy", "alone", "forgetful"))
    )
    declared += '[entrypoints.table]\ninput = "i64[B,3] < 7"\ntrainable = true\n'
    declared += "trained = false\n"
    repo.write({"hubconf.py": CROWDED, "hubkit.toml": declared})
    repo.commit()
    result = repo.run("--hubconf", "-v", "--deselect", "hubconf.py::check")
    said = outcomes(result)
    failed = [name for name, what in said.items() if what == "FAILED"]
    assert failed == ["alone::C209", "forgetful::C207"]
    names = ("crowd", "totals", "spectrum", "lazy", "table")
    assert {said[f"{name}::C212"] for name in names} == {"PASSED"}
