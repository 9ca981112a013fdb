"""Contents of tensors: compared, summed up, saved and read."""

from __future__ import annotations

import pytest

from pytest_hubkit.tensors import find_difference, fingerprint, is_finite
from pytest_hubkit.weights import find_unsafe, read_back

pytestmark = pytest.mark.torch


def test_a_part_that_one_output_lacks_is_a_difference() -> None:
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
