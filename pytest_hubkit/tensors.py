"""Compare and fingerprint what a model takes or returns."""

from __future__ import annotations

import ctypes
import functools
import zlib
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_hubkit.values import find_children, find_tensors, find_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import torch


def has_shape(tensor: torch.Tensor) -> bool:
    """Whether a tensor has a shape; those of lazy modules have none before the first run."""
    from torch.nn.parameter import is_lazy

    return not is_lazy(tensor)


def describe(value: Any) -> str:  # noqa: ANN401
    """A value in a few words: type and shape of a tensor, class of anything else."""
    import torch

    if isinstance(value, torch.Tensor):
        return _describe_tensor(value)
    tensors = [describe(tensor) for _, tensor in find_tensors(value)]
    name = type(value).__name__
    return f"{name} of {', '.join(tensors[:4])}" if tensors else name


def _describe_tensor(tensor: torch.Tensor) -> str:
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_nested:
        return f"nested {dtype} of {', '.join(str(list(one.shape)) for one in tensor.unbind())}"
    shown = f"{dtype}{list(tensor.shape)}"
    if tensor.layout is torch.strided:
        return shown
    layout = str(tensor.layout).removeprefix("torch.")
    return f"{shown} ({layout}, {len(dense_parts(tensor)[-1])} values)"


EXACT = 0.0
CLOSE = 1e-5
_FEW = 10


def dense_parts(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The plain tensors that hold the numbers of a tensor of any layout.

    Args:
        tensor: A plain, sparse, nested or quantized tensor.

    Returns:
        The tensor itself if it is plain; else indices before values. None for the meta device.
    """
    import torch

    if tensor.is_meta:
        return []
    if tensor.is_nested:
        return [one for row in tensor.unbind() for one in dense_parts(row)]
    if tensor.is_quantized:
        return [tensor.int_repr(), tensor.dequantize()]
    if tensor.layout is torch.sparse_coo:
        whole = tensor.coalesce()
        return [whole.indices(), whole.values()]
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
    return [tensor if tensor.layout is torch.strided else tensor.to_dense()]


def is_same(left: object, right: object) -> bool:
    """Whether two values are equal: tensors bit for bit, NaN where NaN is.

    Tensors on the meta device have no numbers; they are equal if their shapes are.
    """
    import torch

    if not isinstance(left, torch.Tensor) or not isinstance(right, torch.Tensor):
        return type(left) is type(right) and left == right
    if left.layout is right.layout is torch.strided and not (left.is_nested or right.is_nested):
        is_alike = left.dtype == right.dtype and left.shape == right.shape
    else:
        is_alike = _describe_tensor(left) == _describe_tensor(right)
    if not is_alike or left.device != right.device:
        return False
    return all(map(_is_same_dense, dense_parts(left), dense_parts(right)))


def _is_same_dense(left: torch.Tensor, right: torch.Tensor) -> bool:
    import torch

    if left.is_complex():
        left, right = torch.view_as_real(left), torch.view_as_real(right)
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
    return compare(dict(find_values(left)), dict(find_values(right)), tolerance)


def compare(
    left: Mapping[str, torch.Tensor | str],
    right: Mapping[str, torch.Tensor | str],
    tolerance: float = EXACT,
) -> str:
    """The same for values by expression; additional ones on the right are ignored."""
    for path, value in left.items():
        found = right.get(path)
        if isinstance(value, str) or found is None or isinstance(found, str):
            if value != found:
                return f"{path}: {_shown(value)}, then {_shown(found)}"
        elif _describe_tensor(value) != _describe_tensor(found):
            return f"{path}: {describe(value)}, then {describe(found)}"
        elif not is_same(value, found) and not is_close(value, found, tolerance):
            return f"{path}: largest difference {largest_difference(value, found)}"
    return ""


_WIDEST = 60


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return describe(value)
    return repr(value) if len(value) <= _WIDEST else f"{value[:_WIDEST]!r}..."


class RowComparison(Struct, frozen=True):
    """A sample in the output for a batch, compared with the output for that sample alone.

    Attributes:
        count: How many parts of the output follow the batch.
        others: Expressions for the other parts.
        difference: The first difference, in words; "" if there is none.
    """

    count: int
    others: tuple[str, ...]
    difference: str


def compare_rows(
    whole: Any,  # noqa: ANN401
    alone: Any,  # noqa: ANN401
    rows: int,
    number: int,
    tolerance: float,
) -> RowComparison:
    """Compare a sample of a batch with the same sample alone.

    Args:
        whole: The output for the batch.
        alone: The output for one sample of it.
        rows: How many samples the batch has.
        number: Which of them is alone.
        tolerance: As for `find_difference`.
    """
    found = list(_match_rows(whole, alone, rows, number, "output"))
    pairs = [row for row in found if row[1] is not None and row[2] is not None]
    others = tuple(path for path, here, there in found if here is None or there is None)
    left, right = ({row[0]: row[at] for row in pairs} for at in (1, 2))
    return RowComparison(len(pairs), others, compare(left, right, tolerance))


# An expression, the sample's part of the output for the batch, and of the one for the sample: tensors
# or texts, None if the output does not follow the batch.
_Row = tuple[str, Any, Any]


def _match_rows(
    whole: Any,  # noqa: ANN401
    alone: Any,  # noqa: ANN401
    rows: int,
    number: int,
    path: str,
    above: tuple[int, ...] = (),
) -> Iterator[_Row]:
    """Find the batch: an axis or a list that is as long as the batch in one and 1 in the other."""
    if id(whole) in above:
        return
    if _is_list(whole) and _is_list(alone) and (len(whole), len(alone)) == (rows, 1):
        here = dict(find_values(whole[number], f"{path}[{number}]"))
        there = dict(find_values(alone[0], f"{path}[{number}]"))
        for where in dict.fromkeys((*here, *there)):
            yield where, here.get(where, "nothing"), there.get(where, "nothing")
        return
    leaf = next(find_values(whole, path), None)
    if leaf is not None and leaf[0] == path:
        yield _match_leaves(
            leaf[1], next(find_values(alone, path), (path, None))[1], rows, number, path
        )
        return
    others = dict(find_children(alone, path) or ())
    for where, part in find_children(whole, path) or ():
        yield from _match_rows(part, others.get(where), rows, number, where, (*above, id(whole)))


def _match_leaves(whole: Any, alone: Any, rows: int, number: int, path: str) -> _Row:  # noqa: ANN401
    import torch

    is_pair = isinstance(whole, torch.Tensor) and isinstance(alone, torch.Tensor)
    if not is_pair or whole.dim() != alone.dim() or whole.is_nested is not alone.is_nested:
        return path, None, None
    if whole.is_nested:
        parts, only = whole.unbind(), alone.unbind()
        is_batch = (len(parts), len(only)) == (rows, 1)
        return (path, parts[number], only[0]) if is_batch else (path, None, None)
    axes = [axis for axis in range(whole.dim()) if whole.shape[axis] != alone.shape[axis]]
    if len(axes) != 1 or (whole.shape[axes[0]], alone.shape[axes[0]]) != (rows, 1):
        return path, None, None
    return path, _plain(whole).narrow(axes[0], number, 1), _plain(alone)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    if tensor.is_quantized:
        return tensor.dequantize()
    return tensor if tensor.layout is torch.strided else tensor.to_dense()


def is_close(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> bool:
    """Whether two tensors of one shape differ by at most a fraction of the largest value."""
    if not tolerance:
        return False
    pairs = zip(dense_parts(left), dense_parts(right), strict=True)
    return all(_is_same_dense(*pair) or _is_close_dense(*pair, tolerance) for pair in pairs)


def _is_close_dense(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> bool:
    import torch

    if not (left.is_floating_point() or left.is_complex()):
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
    return all(
        bool(one.sum().isfinite()) or bool(torch.isfinite(one).all()) for one in dense_parts(tensor)
    )


def largest_difference(left: torch.Tensor, right: torch.Tensor) -> str:
    """The largest difference of two tensors of one shape, in words."""
    pairs = zip(dense_parts(left), dense_parts(right), strict=True)
    changed = [pair for pair in pairs if not _is_same_dense(*pair)]
    one, other = map(_comparable, changed[-1])
    return f"{(one - other).abs().max().item():.3g} of values up to {one.abs().max().item():.3g}"


def _comparable(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return values.detach().to("cpu", torch.float64).nan_to_num()


# In bytes. The sums of blocks take a fifth of the time that a checksum of every byte takes.
_BLOCK = 4096
_LARGE = 1 << 16


def fingerprint(tensor: torch.Tensor) -> int:
    """A checksum of shape, type and contents; the meta device has no contents."""
    import torch

    if tensor.layout is torch.strided and not tensor.is_nested:
        seed = _fingerprint_type(tensor.dtype, tensor.shape)
    else:
        seed = zlib.crc32(_describe_tensor(tensor).encode())
    for part in dense_parts(tensor.detach()):
        seed = _fingerprint_dense(part, seed)
    return seed


@functools.cache
def _fingerprint_type(dtype: torch.dtype, shape: torch.Size) -> int:
    return zlib.crc32(f"{dtype}{list(shape)}".encode())


def _fingerprint_dense(tensor: torch.Tensor, seed: int) -> int:
    import torch

    data = tensor.cpu().contiguous()
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
