"""Running a model on example input, and what that run leaves behind."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.sandbox import Change, find_changes, save_state
from pytest_hubkit.fingerprints import fingerprints
from pytest_hubkit.seeds import generators_that_moved, seeded, take_states
from pytest_hubkit.trees import find_tensors, has_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.subject import Subject


class Forward(Struct, frozen=True):
    """One run in evaluation mode.

    Attributes:
        inputs: What was fed.
        output: What came out.
        seconds: How long it took.
        changed: Parameters, buffers and inputs that it changed.
        drew: Generators of random numbers that it used.
        state: What it changed of the process.
    """

    inputs: Inputs
    output: Any
    seconds: float
    changed: tuple[str, ...]
    drew: tuple[str, ...]
    state: tuple[Change, ...]


def observe(subject: Subject, inputs: Inputs) -> Forward:
    """Run once and look at what changed.

    Args:
        subject: The case.
        inputs: What to feed.
    """
    runnable = subject.runnable
    inputs = inputs.mapped(lambda value: _to_device(value, subject.conformance.options.device))
    fed = inputs.mapped(copied)
    before, changes = _named(runnable, fed), list[Change]()
    prints = fingerprints(before.items())
    # What gets its shape in this run, changes and draws numbers as it should.
    shapeless = {name for name, one in before.items() if not has_shape(one)}
    with seeded(1):
        generators = take_states()
        started = time.perf_counter()
        output = run(subject, runnable, fed, None, changes)
        seconds = time.perf_counter() - started
        drew = generators_that_moved(generators) if not shapeless else ()
    after = fingerprints(_named(runnable, fed).items())
    changed = tuple(name for name in dict.fromkeys((*prints, *after))
                    if name not in shapeless and prints.get(name) != after.get(name))  # fmt: skip
    return Forward(inputs, output, seconds, changed, drew, tuple(changes))


def run(
    subject: Subject,
    runnable: Any,  # noqa: ANN401
    inputs: Inputs,
    seed: int | None,
    changes: list[Change] | None = None,
) -> Any:  # noqa: ANN401
    """Run in evaluation mode, without gradients; modes are put back.

    Args:
        subject: The case, whose repo's code runs.
        runnable: The model or another callable.
        inputs: What to feed.
        seed: Seed of the random numbers that it may draw; None leaves the generators alone.
        changes: Where changes of the process are noted before they are undone.
    """
    import torch

    with (
        contextlib.nullcontext() if seed is None else seeded(seed),
        evaluating(runnable),
        torch.inference_mode(),
        subject.running(),
        subject.conformance.loaded.active(),
    ):
        state = save_state() if changes is not None else {}
        try:
            return runnable(*inputs.args, **inputs.kwargs)
        finally:
            if changes is not None:
                changes += find_changes(state)


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:  # noqa: ANN401
    """Put a model into evaluation mode for a while; what is no model has none.

    Args:
        model: The model.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


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


def move(value: Any, device: str) -> Any:  # noqa: ANN401
    """A model, or input wherever its tensors are nested, on another device."""
    import torch

    return value.to(device) if isinstance(value, torch.nn.Module) else _to_device(value, device)


def copied(value: Any) -> Any:  # noqa: ANN401
    """A copy of input, so that a model that writes to it does not spoil it for the next."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return type(value)(map(copied, value)) if type(value) in (tuple, list) else value


def _to_device(value: Any, device: str) -> Any:  # noqa: ANN401
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _to_device(one, device) for key, one in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_to_device(one, device) for one in value)
    return value


def _named(runnable: Any, inputs: Inputs) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """All that a run should leave as it is."""
    import torch

    named: dict[str, torch.Tensor] = {}
    if isinstance(runnable, torch.nn.Module):
        named.update((f"parameter {name}", one) for name, one in runnable.named_parameters())
        named.update((f"buffer {name}", one) for name, one in runnable.named_buffers())
    for number, value in enumerate(inputs.values):
        named.update((f"input {path}", one) for path, one in find_tensors(value, f"[{number}]"))
    return named
