"""What a model consists of: parts that together have all its parameters; its design."""

from __future__ import annotations

from collections import Counter
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
    own, whole = _count_parameters(model)
    total = whole[""]
    parts = [_Part(("",), model, total)]
    while True:
        large = [one for one in parts if _can_split(one, total)]
        for part in sorted(large, key=lambda one: -one.parameters):
            inner = list(_split(part, own, whole))
            if inner != [part] and len(parts) - 1 + len(inner) <= _MOST:
                at = parts.index(part)
                parts[at : at + 1] = inner
                break
        else:
            break
    return tuple(map(_describe, (one for one in parts if one.parameters)))


Design = frozenset[object]


def read_design(model: torch.nn.Module) -> Design:
    """What decides which code of a model runs, whatever its sizes and its weights are.

    Two models that are built of the same classes, with the same switches, have the same design.

    Args:
        model: The model.
    """
    return frozenset(
        (
            type(module),
            frozenset((name, _trait(value)) for name, value in vars(module).items()),
            frozenset(map(_kind, module.parameters(recurse=False))),
            frozenset(map(_kind, module.buffers(recurse=False))),
        )
        for module in model.modules()
    )


def _trait(value: object) -> object:
    """An attribute as far as code may branch on it: a switch, or whether there is something."""
    if value is None or isinstance(value, bool | str):
        return value
    is_container = isinstance(value, dict | list | tuple | set)
    return type(value), bool(value) if is_container else True


def _kind(tensor: torch.Tensor) -> object:
    return tensor.dtype, tensor.layout, tensor.requires_grad


def count_bytes(model: torch.nn.Module) -> int:
    """The size of its parameters and buffers."""
    tensors = {id(one): one for one in (*model.parameters(), *model.buffers())}
    sized = filter(has_shape, tensors.values())
    return sum(one.numel() * one.element_size() for one in sized)


def _count_parameters(model: torch.nn.Module) -> tuple[Counter[str], Counter[str]]:
    """How many parameters each module holds itself, and with all below it.

    Shared parameters count for the first module, and a module with two names for the first name.
    """
    seen: set[int] = set()
    own, whole = Counter[str](), Counter[str]()
    for name, module in model.named_modules():
        held = {id(one): one for one in module.parameters(recurse=False) if has_shape(one)}
        own[name] = sum(one.numel() for key, one in held.items() if key not in seen)
        seen |= held.keys()
        above = name
        while above:
            whole[above] += own[name]
            above = above.rpartition(".")[0]
        whole[""] += own[name]
    return own, whole


def _can_split(part: _Part, total: int) -> bool:
    depth = part.names[0].count(".") + 1 if part.names[0] else 0
    return (
        part.is_whole
        and len(part.names) == 1
        and depth < _DEEPEST
        and part.parameters >= _SMALLEST * total
        and any(True for _ in part.module.children())
    )


def _split(part: _Part, own: Counter[str], whole: Counter[str]) -> Iterator[_Part]:
    """The module's own parameters, and its children with parameters; equal neighbors are one."""
    name = part.names[0]
    if own[name]:
        yield _Part((name,), part.module, own[name], is_whole=False)
    named = (
        (f"{name}.{below}" if name else below, child)
        for below, child in part.module.named_children()
    )
    children = [_Part((below,), child, whole[below]) for below, child in named if whole[below]]
    for _, group in groupby(children, key=lambda one: (type(one.module), one.parameters)):
        equal = list(group)
        names = tuple(one.names[0] for one in equal)
        yield _Part(names, equal[0].module, sum(one.parameters for one in equal))


def _describe(part: _Part) -> ModuleSize:
    first, last = part.names[0], part.names[-1]
    name = first if first == last else f"{first} to {last}"
    kind = type(part.module).__name__ if part.is_whole else "parameters of its own"
    return ModuleSize(name, kind, len(part.names), part.parameters)
