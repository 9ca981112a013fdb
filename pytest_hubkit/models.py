"""Models in what an entrypoint returns: find one, and call it."""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
from collections import OrderedDict
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.inputs import Inputs

_Model = TypeVar("_Model")
# What a generator yields beyond this is not looked at: it may never end.
MOST_ITEMS = 100


def find_module(value: object) -> torch.nn.Module | None:
    """The first ``nn.Module`` in a value: itself, or an element of a tuple, list or dict."""
    import torch

    if isinstance(value, torch.nn.Module):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((one for one in value if isinstance(one, torch.nn.Module)), None)
    return None


def find_runnable(made: Any) -> Any:  # noqa: ANN401
    """What takes the example input: the first model in a value, or an exported program's module.

    Args:
        made: What an entrypoint returned.

    Returns:
        None if nothing in it can be called.
    """
    import torch

    module = find_module(made)
    if isinstance(module, torch.nn.ModuleDict | torch.nn.ModuleList):
        return next(filter(None, map(find_runnable, module.children())), None)
    if module is not None:
        return module
    # To look it up would import torch's compiler, which takes long.
    export = sys.modules.get("torch.export")
    if export is not None and isinstance(made, export.ExportedProgram):
        return made.module()
    return made if callable(made) else None


def is_on_meta(runnable: Any) -> bool:  # noqa: ANN401
    """Whether a model is on the meta device, which has shapes and no numbers."""
    import torch

    if not isinstance(runnable, torch.nn.Module):
        return False
    tensors = chain(runnable.parameters(), runnable.buffers())
    # Most models show with their first tensor that they are not.
    first = next(tensors, None)
    return first is not None and first.is_meta and all(one.is_meta for one in tensors)


def copy_model(model: _Model) -> _Model:
    """A deep copy of a model, in less time than `copy.deepcopy` takes alone.

    Each module of a model has a dozen empty dictionaries, for hooks for example, each of which it
    would take apart and put together again.

    Args:
        model: The model or another callable.
    """
    import torch

    made: dict[int, Any] = {}
    if isinstance(model, torch.nn.Module):
        for module in model.modules():
            made.update((id(one), type(one)()) for one in vars(module).values()
                        if type(one) in (OrderedDict, dict, set) and not one)  # fmt: skip
    return copy.deepcopy(model, made)


def copied(value: Any) -> Any:  # noqa: ANN401
    """A copy of input, so that a model that writes to it does not spoil it for later runs."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.clone()
    if type(value) is dict:
        return {key: copied(one) for key, one in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(copied, value))
    # Graphs and batches; what cannot be copied is shared.
    with contextlib.suppress(Exception):
        return copy.deepcopy(value)
    return value


def move(value: Any, device: str) -> Any:  # noqa: ANN401
    """A model, or input wherever its tensors are nested, on another device."""
    import torch

    return value.to(device) if isinstance(value, torch.nn.Module) else _to_device(value, device)


def _to_device(value: Any, device: str) -> Any:  # noqa: ANN401
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _to_device(one, device) for key, one in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_to_device(one, device) for one in value)
    # Graphs and batches have the method too.
    move_to = getattr(value, "to", None)
    return value if move_to is None or isinstance(value, type) else move_to(device)


def invoke(runnable: Any, inputs: Inputs, *, gradients: bool = False) -> Any:  # noqa: ANN401
    """Call a model; generators and coroutines run to their end.

    Not in inference mode, in which models that compute gradients inside ``forward``, such as force
    fields, cannot run.

    Args:
        runnable: The model or another callable.
        inputs: Its input.
        gradients: Whether gradients are enabled.
    """
    import torch

    if is_on_meta(runnable):
        inputs = inputs.mapped(lambda value: move(value, "meta"))
    with torch.set_grad_enabled(gradients):
        return _drained(runnable(*inputs.args, **inputs.kwargs))


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:  # noqa: ANN401
    """Put a model into evaluation mode for a while; other values are left alone."""
    import torch

    if not isinstance(model, torch.nn.Module):
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    # Exported programs refuse it, and have one mode only.
    with contextlib.suppress(NotImplementedError):
        model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _drained(returned: Any) -> Any:  # noqa: ANN401
    """What a call returned, once it has run: a generator's items, a coroutine's result.

    Args:
        returned: What a model returned.

    Returns:
        A list for a generator, with at most `MOST_ITEMS` items; a coroutine's result; any other
        value as it is.
    """
    import asyncio
    import inspect

    if inspect.isgenerator(returned):
        return list(islice(returned, MOST_ITEMS))
    if inspect.isasyncgen(returned):
        return asyncio.run(_collect(returned))
    if inspect.iscoroutine(returned):
        return _drained(asyncio.run(returned))
    return returned


async def _collect(generator: Any) -> list[Any]:  # noqa: ANN401
    found: list[Any] = []
    async for item in generator:
        found.append(item)
        if len(found) == MOST_ITEMS:
            break
    return found


@functools.cache
def warm_up() -> None:
    """Let torch load and allocate what the first model of a process would pay for otherwise.

    Then the time and the memory of a model do not depend on whether it is the first one.
    """
    import torch
    from torch.nn import functional

    def ones(*shape: int) -> torch.Tensor:
        # The repo may have changed the defaults.
        return torch.ones(shape, dtype=torch.float32, device="cpu").requires_grad_()

    # What the repo did to torch may fail here; its model will say so.
    with contextlib.suppress(Exception):
        hidden = functional.conv2d(ones(2, 3, 64, 64), ones(32, 3, 3, 3), ones(32), padding=1)
        hidden = functional.batch_norm(hidden, ones(32).detach(), ones(32).detach()).relu()
        hidden = functional.conv2d(functional.max_pool2d(hidden, 2), ones(32, 32, 3, 3), stride=2)
        hidden = functional.adaptive_avg_pool2d(hidden, 4).flatten(1)
        hidden = functional.linear(hidden, ones(64, 512), ones(64))
        functional.layer_norm(hidden, (64,)).softmax(1).mean()
