"""The tensors in what a model takes or gives, wherever they are nested."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


def find_tensors(value: object, path: str = "output") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in a value, with the expression that leads to it.

    Args:
        value: A tensor, or lists, tuples, dicts and dataclasses that hold some.
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
    """Whether a tensor has one: those of lazy modules get theirs when they first run."""
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
