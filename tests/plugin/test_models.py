"""Copies of models."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest

from pytest_hubkit.models import copy_model

pytestmark = pytest.mark.torch


def test_a_copy_is_what_deepcopy_makes() -> None:
    import torch

    model: Any = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    shared: OrderedDict[str, int] = OrderedDict()
    model.kept = model[0].kept = shared
    model[0].sizes = {"in": 2}
    model[1].register_forward_hook(lambda *_: None)
    for copied in (copy.deepcopy(model), copy_model(model)):
        assert copied.kept is copied[0].kept
        assert copied.kept is not shared
        assert copied[0].sizes == {"in": 2}
        assert copied[0].sizes is not model[0].sizes
        assert len(copied[1]._forward_hooks) == 1
        copied[0].register_forward_hook(lambda *_: None)
        copied[0].weight.data.zero_()
        assert not model[0]._forward_hooks
        assert model[0].weight.any()
        assert not copied[1]._backward_hooks
        assert copied[0]._parameters.keys() == {"weight", "bias"}


def test_what_a_model_holds_outside_of_its_modules_is_copied_too() -> None:
    import torch

    model: Any = torch.nn.Linear(2, 2)
    model.nested = [{}, {"a": {}}]
    copied = copy_model(model)
    copied.nested[0]["new"] = copied.nested[1]["a"]["new"] = 1
    assert model.nested == [{}, {"a": {}}]
