"""How a state dict fills a model: what was loaded, what is missing, and what replaced it again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_hubkit.tensors import has_shape, is_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch


class Fit(Struct, frozen=True):
    """How the weights fit a model.

    Attributes:
        filled: How many numbers of its parameters a state dict filled; None if no state dict was
            loaded.
        size: How many it has.
        missing: Parameters that no state dict filled.
        overwritten: Parameters that lost what a state dict had filled in.
        infinite: Parameters with NaN or infinity, and buffers with NaN.
    """

    filled: int | None
    size: int
    missing: tuple[str, ...]
    overwritten: tuple[str, ...]
    infinite: tuple[str, ...]


class _Entry(Struct, frozen=True, eq=False):
    """An entry of a state dict, and the tensor of a model that it filled."""

    target: torch.Tensor
    value: torch.Tensor


class LoadedStates:
    """The state dicts that models loaded."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._loads = 0

    def note(self, module: torch.nn.Module, state: Any) -> None:  # noqa: ANN401
        """Note that a module loaded a state dict; later ones replace earlier ones."""
        import torch

        self._loads += 1
        for key, target in module.state_dict(keep_vars=True).items():
            value = state.get(key)
            if isinstance(target, torch.Tensor) and isinstance(value, torch.Tensor):
                self._entries[id(target)] = _Entry(target, value)

    def fit(self, model: torch.nn.Module) -> Fit:
        """How they fit the model that was built.

        Parameters that code replaced after loading, such as fused ones, cannot be attributed. Then
        none counts as missing.
        """
        import torch

        named = {name: one for name, one in model.named_parameters() if has_shape(one)}
        filled = {name: one for name, one in named.items() if id(one) in self._entries}
        present = {id(one) for one in named.values()}
        targets = (one.target for one in self._entries.values())
        replaced = any(isinstance(one, torch.nn.Parameter) and id(one) not in present
                       for one in targets)  # fmt: skip
        tensors = {**named, **dict(model.named_buffers())}
        return Fit(
            sum(one.numel() for one in filled.values()) if self._loads else None,
            sum(one.numel() for one in named.values()),
            tuple(one for one in named if one not in filled)
            if self._loads and not replaced
            else (),
            tuple(name for name, one in filled.items() if not _holds(one, self._entries[id(one)])),
            tuple(name for name, one in tensors.items() if _is_spoiled(one, name in named)),
        )


@contextlib.contextmanager
def watching_states() -> Iterator[LoadedStates]:
    """Note the state dicts that models load inside."""
    import torch

    states, owner, name = LoadedStates(), torch.nn.Module, "load_state_dict"
    original: Callable[..., Any] = owner.load_state_dict

    def load_state_dict(self: Any, state_dict: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        result = original(self, state_dict, *args, **kwargs)
        states.note(self, state_dict)
        return result

    setattr(owner, name, load_state_dict)
    try:
        yield states
    finally:
        setattr(owner, name, original)


def _holds(parameter: torch.Tensor, entry: _Entry) -> bool:
    """Whether a parameter still has the numbers that were loaded."""
    import torch

    if parameter.is_meta or entry.value.shape != parameter.shape:
        return True
    with torch.no_grad():
        value = entry.value.to(parameter.device, parameter.dtype)
        return bool(torch.equal(parameter, value) or _has_nan(value))


def _has_nan(value: torch.Tensor) -> bool:
    return value.is_floating_point() and bool(value.isnan().any())


def _is_spoiled(tensor: torch.Tensor, is_parameter: bool) -> bool:
    import torch

    if tensor.is_meta or tensor.is_quantized or not has_shape(tensor):
        return False
    if tensor.layout is not torch.strided or not tensor.is_floating_point():
        return False
    # Masks hold infinity on purpose.
    tensor = tensor.detach()
    return not is_finite(tensor) and (is_parameter or _has_nan(tensor))
