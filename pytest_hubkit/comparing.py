"""Whether two outputs are the same, and where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_hubkit.trees import describe, find_tensors

if TYPE_CHECKING:
    import torch

EXACT = 0.0
CLOSE = 1e-5
_FEW = 10


def is_same(left: torch.Tensor, right: object) -> bool:
    """Whether two tensors are equal bit for bit, NaN where NaN is."""
    import torch

    if not isinstance(right, torch.Tensor) or left.shape != right.shape:
        return False
    if left.dtype != right.dtype or left.device != right.device:
        return False
    if left.is_meta or left.is_quantized or left.layout is not torch.strided:
        return True
    return bool(torch.equal(left.nan_to_num(), right.nan_to_num()))


def find_difference(left: Any, right: Any, tolerance: float = EXACT) -> str:  # noqa: ANN401
    """Where two outputs differ, in words; "" when they do not.

    Args:
        left: One.
        right: The other.
        tolerance: How much counts as no difference, relative to the largest value.
    """
    others = dict(find_tensors(right))
    for path, tensor in find_tensors(left):
        found = others.get(path)
        if found is None or found.shape != tensor.shape or found.dtype != tensor.dtype:
            return f"{path}: {describe(tensor)}, then {describe(found)}"
        if not is_same(tensor, found) and not is_close(tensor, found, tolerance):
            return f"{path}: largest difference {largest_difference(tensor, found)}"
    return ""


def is_close(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> bool:
    """Whether two tensors of one shape differ by no more than a share of the largest value."""
    import torch

    if not tolerance or not (left.is_floating_point() or left.is_complex()):
        return False
    one, other = _comparable(left), _comparable(right)
    scale = max(one.abs().max().item(), 1e-12) if one.numel() else 1.0
    largest = (one - other).abs().max().item()
    # A few odd values of many are no difference, as long as they are not far off.
    if largest <= tolerance * scale or largest > _FEW * tolerance * scale:
        return largest <= tolerance * scale
    cosine = torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0)
    return cosine.item() > 1 - tolerance / 10


def largest_difference(left: torch.Tensor, right: torch.Tensor) -> str:
    """The largest difference of two tensors of one shape, in words."""
    one, other = _comparable(left), _comparable(right)
    return f"{(one - other).abs().max().item():.3g} of values up to {one.abs().max().item():.3g}"


def _comparable(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return values.detach().to("cpu", torch.float64).nan_to_num()
