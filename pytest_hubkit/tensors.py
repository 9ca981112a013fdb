"""Tensors in what a model takes or returns: find, compare and fingerprint them."""

from __future__ import annotations

import ctypes
import zlib
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import torch


def find_tensors(value: object, path: str = "output") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors in a value, each with the expression for it.

    Args:
        value: A tensor, or lists, tuples, dicts and dataclasses that contain some.
        path: The expression for the value itself.
    """
    import torch

    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from find_tensors(inner, f"{path}[{key!r}]")
    elif isinstance(value, tuple | list):
        names = getattr(value, "_fields", None)
        for number, inner in enumerate(value):
            step = f".{names[number]}" if names else f"[{number}]"
            yield from find_tensors(inner, path + step)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from find_tensors(getattr(value, one.name), f"{path}.{one.name}")


def has_shape(tensor: torch.Tensor) -> bool:
    """Whether a tensor has a shape; those of lazy modules have none before the first run."""
    from torch.nn.parameter import is_lazy

    return not is_lazy(tensor)


def describe(value: Any) -> str:  # noqa: ANN401
    """A value in a few words: type and shape of a tensor, class of anything else."""
    import torch

    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    tensors = [describe(tensor) for _, tensor in find_tensors(value)]
    name = type(value).__name__
    return f"{name} of {', '.join(tensors[:4])}" if tensors else name


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
    if torch.equal(left, right):
        return True
    missing = left.isnan()
    if not missing.any() or not torch.equal(missing, right.isnan()):
        return False
    return bool(torch.equal(left.nan_to_num(), right.nan_to_num()))


def find_difference(left: Any, right: Any, tolerance: float = EXACT) -> str:  # noqa: ANN401
    """Where two outputs differ, in words; "" if they do not.

    Args:
        left: One output.
        right: The other one.
        tolerance: The largest difference to ignore, relative to the largest value.
    """
    return compare(dict(find_tensors(left)), dict(find_tensors(right)), tolerance)


def compare(
    left: Mapping[str, torch.Tensor], right: Mapping[str, torch.Tensor], tolerance: float = EXACT
) -> str:
    """The same for tensors by expression; additional ones on the right are ignored."""
    for path, tensor in left.items():
        found = right.get(path)
        if found is None or found.shape != tensor.shape or found.dtype != tensor.dtype:
            return f"{path}: {describe(tensor)}, then {describe(found)}"
        if not is_same(tensor, found) and not is_close(tensor, found, tolerance):
            return f"{path}: largest difference {largest_difference(tensor, found)}"
    return ""


def find_rows(output: Any, rows: int, number: int) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """One row of each tensor that has a row for each input of a batch."""
    return {
        path: tensor.narrow(0, number, 1)
        for path, tensor in find_tensors(output)
        if tensor.dim() and tensor.shape[0] == rows
    }


def is_close(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> bool:
    """Whether two tensors of one shape differ by at most a fraction of the largest value."""
    import torch

    if not tolerance or not (left.is_floating_point() or left.is_complex()):
        return False
    one, other = _comparable(left), _comparable(right)
    scale = max(one.abs().max().item(), 1e-12) if one.numel() else 1.0
    largest = (one - other).abs().max().item()
    # Tolerate a few values that differ a little more.
    if largest <= tolerance * scale or largest > _FEW * tolerance * scale:
        return largest <= tolerance * scale
    cosine = torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0)
    return cosine.item() > 1 - tolerance / 10


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers of a tensor of floats are finite."""
    import torch

    # The sum is much faster; it may also overflow, so check again.
    return bool(tensor.sum().isfinite()) or bool(torch.isfinite(tensor).all())


def largest_difference(left: torch.Tensor, right: torch.Tensor) -> str:
    """The largest difference of two tensors of one shape, in words."""
    one, other = _comparable(left), _comparable(right)
    return f"{(one - other).abs().max().item():.3g} of values up to {one.abs().max().item():.3g}"


def _comparable(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return values.detach().to("cpu", torch.float64).nan_to_num()


# In bytes. The sums of blocks take a fifth of the time that a checksum of every byte takes.
_BLOCK = 4096
_LARGE = 1 << 20


def fingerprint(tensor: torch.Tensor) -> int:
    """A checksum of shape, type and contents; contents that cannot be read are ignored."""
    import torch

    seed = zlib.crc32(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    if tensor.is_meta or tensor.is_quantized or tensor.layout is not torch.strided:
        return seed
    data = tensor.detach().cpu().contiguous()
    memory = _memory(data)
    if len(memory) < _LARGE:
        return zlib.crc32(memory, seed)
    blocks = len(memory) // _BLOCK
    numbers = torch.frombuffer(memory, dtype=torch.int64, count=blocks * _BLOCK // 8)
    sums = numbers.view(blocks, -1).sum(1)
    return zlib.crc32(_memory(sums), zlib.crc32(memory[blocks * _BLOCK :], seed))


def fingerprints(named: Iterable[tuple[str, object]]) -> dict[str, int]:
    """Checksums of those values that are tensors with a shape, by name."""
    import torch

    return {
        name: fingerprint(one)
        for name, one in named
        if isinstance(one, torch.Tensor) and has_shape(one)
    }


def _memory(data: torch.Tensor) -> Any:  # noqa: ANN401
    """The bytes of a contiguous tensor on the CPU, which must outlive them."""
    size = data.numel() * data.element_size()
    return memoryview((ctypes.c_ubyte * size).from_address(data.data_ptr())).cast("B")
