"""Running a model on example input, and what a run changes."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.sandbox import Change, find_changes, save_state
from pytest_hubkit.checks.registry import NotApplicableError
from pytest_hubkit.inputs import Inputs
from pytest_hubkit.models import copied, evaluating, invoke, move, warm_up
from pytest_hubkit.seeds import generators_that_moved, seeded, take_states
from pytest_hubkit.tensors import fingerprints, has_shape
from pytest_hubkit.values import find_tensors, find_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.session import HubconfSession


class ObservedRun(Struct, frozen=True):
    """One run in evaluation mode.

    Attributes:
        inputs: Its input.
        output: Its output.
        seconds: How long it took.
        changed: Parameters, buffers and inputs that it changed.
        drew: Generators of random numbers that it used.
        state: Process-wide settings that it changed.
    """

    inputs: Inputs
    output: Any
    seconds: float
    changed: tuple[str, ...]
    drew: tuple[str, ...]
    state: tuple[Change, ...]


def observe(session: HubconfSession, label: str, runnable: Any, inputs: Inputs) -> ObservedRun:  # noqa: ANN401
    """Run once and record what changed."""
    device = session.options.device
    if device != "cpu":
        inputs = inputs.mapped(lambda value: move(value, device))
    fed = inputs.mapped(copied)
    before, changes = _named(runnable, fed), list[Change]()
    marks = fingerprints(before.items())
    # Lazy modules are expected to change and draw numbers in this run.
    shapeless = {name for name, one in before.items() if not has_shape(one)}
    warm_up()
    with seeded(1):
        generators = take_states()
        started = time.perf_counter()
        output = run(session, label, runnable, fed, changes=changes)
        seconds = time.perf_counter() - started
        drew = generators_that_moved(generators) if not shapeless else ()
    after = fingerprints(_named(runnable, fed).items())
    changed = tuple(name for name in dict.fromkeys((*marks, *after))
                    if name not in shapeless and marks.get(name) != after.get(name))  # fmt: skip
    return ObservedRun(inputs, output, seconds, changed, drew, tuple(changes))


def run(
    session: HubconfSession,
    label: str,
    runnable: Any,  # noqa: ANN401
    inputs: Inputs,
    *,
    seed: int | None = None,
    changes: list[Change] | None = None,
) -> Any:  # noqa: ANN401
    """Run in evaluation mode, as `invoke` does; modes are restored.

    Args:
        session: The hubconf, whose code runs.
        label: The case.
        runnable: The model or another callable.
        inputs: Its input.
        seed: Seed of the random numbers that it may draw; None leaves the generators alone.
        changes: Collects changes of the process before they are undone.
    """
    with (
        contextlib.nullcontext() if seed is None else seeded(seed),
        evaluating(runnable),
        session.running_model(label),
    ):
        state = save_state() if changes is not None else {}
        try:
            return invoke(runnable, inputs)
        finally:
            if changes is not None:
                changes += find_changes(state)


def _named(runnable: Any, inputs: Inputs) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """Everything that a run should leave alone."""
    import torch

    named: dict[str, torch.Tensor] = {}
    if isinstance(runnable, torch.nn.Module):
        named.update((f"parameter {name}", one) for name, one in runnable.named_parameters())
        named.update((f"buffer {name}", one) for name, one in runnable.named_buffers())
    for number, value in enumerate(inputs.values):
        named.update((f"input {path}", one) for path, one in find_values(value, f"[{number}]")
                     if isinstance(one, torch.Tensor))  # fmt: skip
    return named


def require_device(device: str) -> None:
    """Check that a device is available.

    Args:
        device: As ``--hubconf-device`` names it.

    Raises:
        NotApplicableError: It is not available.
    """
    import torch

    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if device in available and not available[device]():
        raise NotApplicableError(f"{device} is not available here (--hubconf-device)")


# Calls that move a tensor, or pass its numbers to other code.
_LEAVING = frozenset(("cpu", "cuda", "numpy", "to", "tolist", "item", "__array__", "type"))


def watched(model: torch.nn.Module, noted: list[str]) -> Callable[..., Any]:
    """A model that records calls of torch that get no tensor or may lead to another device."""
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,  # noqa: ANN401 - torch's signature
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401
            named = kwargs or {}
            name = getattr(func, "__name__", str(func))
            if name in _LEAVING or not any(_tensors((*args, *named.values()))):
                noted.append(name)
            return func(*args, **named)

    def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401
        with Watch():
            return model(*args, **kwargs)

    return run


def _tensors(values: tuple[Any, ...]) -> Iterator[bool]:
    return (True for value in values for _ in find_tensors(value))


_PRODUCTS = frozenset((
    "addmm", "baddbmm", "bmm", "mm", "matmul", "__matmul__", "linear", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "scaled_dot_product_attention",
))  # fmt: skip


def emulating_bfloat16() -> contextlib.AbstractContextManager[object]:
    """Products of bfloat16 tensors are computed in float32 and rounded, as accelerators do.

    Without instructions for bfloat16, a CPU takes up to 80 times as long for a convolution. Where
    dtypes are mixed, torch itself is asked, and refuses.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # noqa: SLF001
        return contextlib.nullcontext()

    class InFloat32(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,  # noqa: ANN401 - torch's signature
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401
            named = kwargs or {}
            if getattr(func, "__name__", "") not in _PRODUCTS:
                return func(*args, **named)
            tensors = [one for one in (*args, *named.values()) if isinstance(one, torch.Tensor)]
            if any(one.dtype != torch.bfloat16 or not one.is_cpu for one in tensors):
                return func(*args, **named)
            output = func(
                *map(_widened, args), **{name: _widened(one) for name, one in named.items()}
            )
            return output.to(torch.bfloat16)

    return InFloat32()


def _widened(value: Any) -> Any:  # noqa: ANN401
    import torch

    return value.float() if isinstance(value, torch.Tensor) else value


def find_unregistered(model: torch.nn.Module) -> Iterator[str]:
    """Tensors that ``Module.to`` does not reach, by the path of the attribute."""
    import torch

    known = vars(torch.nn.Module())
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name not in known and any(find_tensors(value)):
                yield f"{path}.{name}" if path else name
