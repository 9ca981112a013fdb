"""What comes out of a model, held against what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_hubkit.tensors import TensorSpec, read_tensor
from pytest_hubkit.trees import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def find_mismatches(
    declared: str | tuple[str, ...] | Mapping[str, str],
    output: Any,  # noqa: ANN401
    sizes: Mapping[str, int],
) -> Iterator[str]:
    """What of an output is not as declared, in words.

    Args:
        declared: The notation: one tensor, several in order, or several by name.
        output: What came out.
        sizes: Sizes of named axes of the input.

    Raises:
        ConfigError: The notation cannot be read.
    """
    known = dict(sizes)
    if isinstance(declared, str):
        yield from _compare(read_tensor(declared), output, "output", known)
    elif isinstance(declared, tuple):
        if not isinstance(output, tuple | list) or len(output) != len(declared):
            yield f"output: {len(declared)} values are declared, and it gives {describe(output)}"
            return
        for number, (text, value) in enumerate(zip(declared, output, strict=True)):
            yield from _compare(read_tensor(text), value, f"output[{number}]", known)
    else:
        for name, text in declared.items():
            found, value = _look_up(output, name)
            if found:
                yield from _compare(read_tensor(text), value, f"output[{name!r}]", known)
            else:
                yield f"output: {name!r} is declared, and it gives {describe(output)}"


def _look_up(output: Any, name: str) -> tuple[bool, Any]:  # noqa: ANN401
    try:
        return True, output[name]
    except (KeyError, TypeError, IndexError):
        return hasattr(output, name), getattr(output, name, None)


def _compare(spec: TensorSpec, value: Any, path: str, known: dict[str, int]) -> Iterator[str]:  # noqa: ANN401
    import torch

    if not isinstance(value, torch.Tensor):
        yield f"{path}: a {type(value).__name__}, not {spec.text}"
        return
    seen = f"{path}: {describe(value)}, not {spec.text}"
    if value.dtype != getattr(torch, spec.dtype) or value.dim() != len(spec.dims):
        yield seen
        return
    for dim, size in zip(spec.dims, value.shape, strict=True):
        wanted = dim if isinstance(dim, int) else known.setdefault(dim, size)
        if dim in known and wanted != size:
            yield f"{seen}: {dim} is {wanted} elsewhere"
            return
        if isinstance(dim, int) and size != dim:
            yield seen
            return
    yield from _range(spec, value, path)


def _range(spec: TensorSpec, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    if spec.low is None or spec.high is None or value.is_meta or not value.numel():
        return
    low, high = value.min().item(), value.max().item()
    if low < spec.low or high > spec.high:
        yield f"{path}: values from {low:.4g} to {high:.4g}, not {spec.text}"
