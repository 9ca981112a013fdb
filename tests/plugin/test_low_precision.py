"""C213 computes products of bfloat16 tensors in float32 where the CPU is slow at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.torch


def models() -> dict[str, Callable[[Any], tuple[Any, tuple[int, ...]]]]:
    """By name: given torch.nn, a model and the shape of its input."""
    return {
        "convolution": lambda nn: (nn.Conv2d(3, 4, 3), (2, 3, 8, 8)),
        "transposed convolution": lambda nn: (nn.ConvTranspose1d(3, 4, 3), (2, 3, 8)),
        "linear": lambda nn: (nn.Linear(5, 4), (2, 7, 5)),
        "attention": lambda nn: (nn.TransformerEncoderLayer(8, 2, batch_first=True), (2, 5, 8)),
        "recurrent": lambda nn: (nn.Sequential(nn.Flatten(), nn.LSTMCell(6, 4)), (2, 2, 3)),
    }


@pytest.mark.parametrize("name", models())
def test_outputs_are_those_of_torch(name: str) -> None:
    import torch

    from pytest_hubkit.inference import emulating_bfloat16

    torch.manual_seed(1)
    model, shape = models()[name](torch.nn)
    model = model.eval().to(torch.bfloat16)
    example = torch.rand(shape).to(torch.bfloat16)
    with torch.no_grad():
        expected = model(example)
        with emulating_bfloat16():
            found = model(example)
    for one, other in zip(
        expected if isinstance(expected, tuple) else (expected,),
        found if isinstance(found, tuple) else (found,),
        strict=True,
    ):
        assert one.dtype == other.dtype == torch.bfloat16
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05)


def test_mixed_dtypes_are_refused_as_by_torch() -> None:
    import torch

    from pytest_hubkit.inference import emulating_bfloat16

    model = torch.nn.Conv2d(3, 4, 3)
    example = torch.rand(1, 3, 8, 8).to(torch.bfloat16)
    with pytest.raises(RuntimeError) as expected:
        model(example)
    with emulating_bfloat16(), pytest.raises(RuntimeError) as found:
        model(example)
    assert str(found.value) == str(expected.value)
