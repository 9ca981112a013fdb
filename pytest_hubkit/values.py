"""What a model takes or returns, taken apart: tensors, arrays, numbers and texts."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

_NUMBERS = (bool, int, float, complex)
_TEXTS = (str, bytes)
# What lies deeper, or is more, are internals of libraries.
_DEEPEST = 8
_MOST_PARTS = 20_000


def find_tensors(value: object, path: str = "output") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors in a value, each with the expression for it.

    Args:
        value: A tensor, or lists, dicts and objects that contain some.
        path: The expression for the value itself.
    """
    import torch

    for where, leaf in find_leaves(value, path):
        if isinstance(leaf, torch.Tensor):
            yield where, leaf


def find_values(value: object, path: str = "output") -> Iterator[tuple[str, torch.Tensor | str]]:
    """All that can be compared in a value: its tensors, and arrays, numbers and texts.

    Args:
        value: What a model returned.
        path: The expression for the value itself.

    Returns:
        Expressions with tensors, into which arrays and numbers are converted, or with texts.
    """
    return ((where, _comparable(leaf)) for where, leaf in find_leaves(value, path))


def find_leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """What a value consists of: tensors, arrays, numbers, lists of numbers, and texts.

    Args:
        value: Any value.
        path: The expression for it.
    """
    # A list, because what is found first is compared first.
    waiting: list[tuple[str, object, tuple[int, ...]]] = [(path, value, ())]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        where, part, above = waiting.pop()
        if _is_leaf(part):
            yield where, part
        elif id(part) not in above and len(above) <= _DEEPEST:
            inner = (*above, id(part))
            children = find_children(part, where) or []
            waiting += [(path, child, inner) for path, child in reversed(children)]


def find_children(value: object, path: str) -> list[tuple[str, Any]] | None:
    """The values in a container or an object, each with the expression for it.

    Args:
        value: Any value.
        path: The expression for it.

    Returns:
        None if it has no parts.
    """
    if isinstance(value, Mapping):
        return [(f"{path}[{key!r}]", inner) for key, inner in value.items()]
    if isinstance(value, tuple | list | deque):
        names = getattr(value, "_fields", None)
        steps = [f".{name}" for name in names] if names else [f"[{n}]" for n in range(len(value))]
        return [(path + step, inner) for step, inner in zip(steps, value, strict=False)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(f"{path}.{one.name}", getattr(value, one.name, None)) for one in fields(value)]
    if isinstance(value, set | frozenset):
        return [(f"sorted({path})[{n}]", one) for n, one in enumerate(sorted(value, key=repr))]
    return _find_attributes(value, path)


def _is_leaf(value: object) -> bool:
    import torch

    if isinstance(value, (torch.Tensor, Enum, *_NUMBERS, *_TEXTS)) or _is_array(value):
        return True
    is_list = type(value) in (list, tuple)
    return is_list and bool(value) and all(isinstance(one, _NUMBERS) for one in value)  # type: ignore[attr-defined]


def _is_array(value: object) -> bool:
    """Whether NumPy can read it: one of its arrays or numbers, an image of Pillow."""
    return "numpy" in sys.modules and hasattr(type(value), "__array_interface__")


def _find_attributes(value: object, path: str) -> list[tuple[str, Any]] | None:
    """The attributes of an object that a model may return; None for other objects."""
    import torch

    opaque = (type, FunctionType, ModuleType, torch.nn.Module, torch.device, torch.dtype)
    if value is None or isinstance(value, opaque) or callable(value):
        return None
    names = list(getattr(value, "__dict__", ()))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        names += (slots,) if isinstance(slots, str) else slots
    return [
        (f"{path}.{name}", getattr(value, name))
        for name in dict.fromkeys(names)
        if not name.startswith("__") and hasattr(value, name)
    ] or None


def _comparable(leaf: Any) -> torch.Tensor | str:  # noqa: ANN401
    """A leaf as a tensor; as a text if torch has no tensors of that type."""
    import torch

    if isinstance(leaf, torch.Tensor):
        return leaf
    if isinstance(leaf, (Enum, *_TEXTS)):
        return str(leaf)
    try:
        if _is_array(leaf):
            array = sys.modules["numpy"].asarray(leaf)
            return torch.from_numpy(array.copy())
        has_floats = any(isinstance(one, float) for one in (leaf if _is_list(leaf) else (leaf,)))
        return torch.tensor(leaf, dtype=torch.float64 if has_floats else None)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return repr(leaf.tolist() if hasattr(leaf, "tolist") else leaf)


def _is_list(leaf: object) -> bool:
    return isinstance(leaf, list | tuple)
