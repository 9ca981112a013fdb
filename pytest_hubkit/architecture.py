"""What a model consists of: parts that together have all its parameters."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.facts import ModuleSize
from pytest_hubkit.tensors import has_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

_MOST = 24  # parts
_DEEPEST = 3
_SMALLEST = 0.1  # of the model: smaller parts are not taken apart


class _Part(Struct, frozen=True):
    """Equal modules in a row, or the parameters that a module holds itself.

    Attributes:
        names: The names of the modules.
        module: The first of them.
        parameters: How many they have together.
        is_whole: Whether all of the module counts; else only its own parameters.
    """

    names: tuple[str, ...]
    module: torch.nn.Module
    parameters: int
    is_whole: bool = True


def summarize_modules(model: torch.nn.Module) -> tuple[ModuleSize, ...]:
    """The parts of a model that have parameters, in order; the largest ones are taken apart."""
    sizes = _count_parameters(model)
    total = sum(sizes.values())
    parts = [_Part(("",), model, total)]
    while True:
        large = [one for one in parts if _can_split(one, total)]
        for part in sorted(large, key=lambda one: -one.parameters):
            inner = list(_split(part, sizes))
            if inner != [part] and len(parts) - 1 + len(inner) <= _MOST:
                at = parts.index(part)
                parts[at : at + 1] = inner
                break
        else:
            break
    return tuple(map(_describe, (one for one in parts if one.parameters)))


def _count_parameters(model: torch.nn.Module) -> dict[str, int]:
    """How many parameters each module holds itself; shared ones count for the first."""
    seen: set[int] = set()
    sizes = {}
    for name, module in model.named_modules():
        own = {id(one): one for one in module.parameters(recurse=False) if has_shape(one)}
        sizes[name] = sum(one.numel() for key, one in own.items() if key not in seen)
        seen |= own.keys()
    return sizes


def _can_split(part: _Part, total: int) -> bool:
    depth = part.names[0].count(".") + 1 if part.names[0] else 0
    return (
        part.is_whole
        and len(part.names) == 1
        and depth < _DEEPEST
        and part.parameters >= _SMALLEST * total
        and any(True for _ in part.module.children())
    )


def _split(part: _Part, sizes: dict[str, int]) -> Iterator[_Part]:
    """The module's own parameters, and its children with parameters; equal neighbors are one."""
    name = part.names[0]
    if sizes.get(name):
        yield _Part((name,), part.module, sizes[name], is_whole=False)
    children = []
    for own, child in part.module.named_children():
        full = f"{name}.{own}" if name else own
        # A module with two names counts under the first.
        size = sum(sizes[one] for one in sizes if one == full or one.startswith(f"{full}."))
        if size:
            children.append(_Part((full,), child, size))
    for _, group in groupby(children, key=lambda one: (type(one.module), one.parameters)):
        equal = list(group)
        names = tuple(one.names[0] for one in equal)
        yield _Part(names, equal[0].module, sum(one.parameters for one in equal))


def _describe(part: _Part) -> ModuleSize:
    first, last = part.names[0], part.names[-1]
    name = first if first == last else f"{first} to {last}"
    kind = type(part.module).__name__ if part.is_whole else "parameters of its own"
    return ModuleSize(name, kind, len(part.names), part.parameters)
