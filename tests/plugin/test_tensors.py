"""The one-line notation for example tensors."""

from __future__ import annotations

import pytest

from hubkit.errors import ConfigError
from pytest_hubkit.inputs import DTYPES, read_tensor


def test_an_image_batch_is_read() -> None:
    spec = read_tensor("f32[B,3,H,W] in [0,1]")
    assert spec.dtype == "float32"
    assert spec.dims == ("B", 3, "H", "W")
    assert (spec.low, spec.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("i64[B,T] < 33", 0, 32),
        ("f32[B,1,16000] in [-1,1]", -1, 1),
        ("f32[2] in [-.5, 2.5e-1]", -0.5, 0.25),
        ("  u8 [ 4 , 4 ]  in [ 0 , 255 ] ", 0, 255),
        ("bool[B,T]", None, None),
        ("f32[]", None, None),
    ],
)
def test_ranges(text: str, low: float | None, high: float | None) -> None:
    spec = read_tensor(text)
    assert (spec.low, spec.high) == (low, high)


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ({}, (2, 3, 64, 64)),
        ({"B": 1, "H": 32}, (1, 3, 32, 64)),
        ({"H": "14n", "W": "100n"}, (2, 3, 70, 100)),
    ],
)
def test_names_get_sizes(sizes: dict[str, int | str], shape: tuple[int, ...]) -> None:
    assert read_tensor("f32[B,3,H,W]").shape(sizes) == shape


def test_a_multiple_may_stand_in_place() -> None:
    assert read_tensor("f32[1,3,14n,7 n]").shape({}) == (1, 3, 28, 21)


def test_sizes_that_nobody_declared_are_told_but_for_the_batch() -> None:
    assert read_tensor("f32[B,3,H,H,W,5]").guessed({"W": 8}) == ("H",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f32", "is not the notation of a tensor"),
        ("f32[B,3", "is not the notation of a tensor"),
        ("f32[B] in [0,1", "is not the notation of a tensor"),
        ("f32[B] > 3", "is not the notation of a tensor"),
        ("f33[B]", "not a dtype"),
        ("f32[B,,3]", "invalid axis ''"),
        ("f32[B,-1]", "invalid axis '-1'"),
        ("f32[B,0n]", "invalid axis '0n'"),
        ("f32[B] in [1,0]", "is empty"),
        ("i64[B] < 0", "is empty"),
    ],
)
def test_unreadable_input_is_reported(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read_tensor(text)
    assert caught.value.hint


def test_an_invalid_declared_size_is_reported() -> None:
    with pytest.raises(ConfigError, match="'14m' of axis 'H'"):
        read_tensor("f32[H]").shape({"H": "14m"})


@pytest.mark.torch
@pytest.mark.parametrize("name", sorted(DTYPES))
def test_every_type_is_made(name: str) -> None:
    import torch

    made = read_tensor(f"{name}[B,5]").make({}, torch.Generator().manual_seed(0))
    assert made.shape == (2, 5)
    assert made.dtype == getattr(torch, DTYPES[name])


@pytest.mark.torch
def test_values_keep_to_the_range_and_are_the_same_each_time() -> None:
    import torch

    for text, low, high in (("f32[1000] in [-1,3]", -1, 3), ("i64[1000] < 7", 0, 6)):
        spec = read_tensor(text)
        first, second = (spec.make({}, torch.Generator().manual_seed(1)) for _ in range(2))
        assert torch.equal(first, second)
        assert first.min() < low + 0.1
        assert first.max() > high - 0.1
        assert low <= first.min()
        assert first.max() <= high
