"""Level 2: rows of a batch, gradients, other types and devices."""

from __future__ import annotations

import math
import traceback
import warnings
from typing import TYPE_CHECKING, Any

from hubkit.facts import Location
from pytest_hubkit.checks.forward import RAN
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    UndeclaredError,
    check,
)
from pytest_hubkit.failures import summarize
from pytest_hubkit.fast_path import ROW_TOLERANCE
from pytest_hubkit.inference import emulating_bfloat16, find_unregistered, watched
from pytest_hubkit.inputs import BATCH
from pytest_hubkit.models import copied, copy_model, evaluating, find_runnable, invoke, move
from pytest_hubkit.seeds import seeded
from pytest_hubkit.tensors import compare_rows, is_finite
from pytest_hubkit.values import find_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.inputs import Inputs

_MOST = 4


@check("C211", "batch-invariance", level=2, requires=(*RAN, "C204", "C205"), by_design=True)
def batch_invariance(context: CaseContext) -> Iterator[Failure]:
    """The output for a sample does not depend on the other samples in the batch.

    The usual reasons are a mean over the wrong axis, batch statistics in evaluation mode, or
    padding that leaks. The batch is the axis named ``B`` in ``input``, or a list of samples; in the
    output, it is the axis or list that shrinks with it. Rounding is ruled out by a run in float64.

    Reduce over all axes but the first. If the dependence is intended, expect C211 or raise
    ``tolerance``.
    """
    first, config = context.first, context.case.config
    rows = first.inputs.batch
    if config.stochastic:
        raise NotApplicableError("`stochastic = true`: the noise of each sample differs")
    if rows < 2:
        raise NotApplicableError(
            f"its input has no batch: an axis named {BATCH}, of size two or more"
        )
    if "C211" in context.fast_path.passed:
        return
    number = rows - 1
    try:
        alone = context.run(inputs=first.inputs.row(number))
    except Exception as error:  # noqa: BLE001
        yield Failure(
            f"{context.label} accepts a batch of {rows} and fails on a batch of one: "
            f"{summarize(error)}",
            (first.inputs.provenance, *_find_batch_statistics(context)),
            "Check whether it squeezes or normalizes over the batch.",
            cause=error,
        )
        return
    tolerance = config.tolerance or ROW_TOLERANCE
    found = compare_rows(first.output, alone, rows, number, tolerance)
    if not found.count:
        raise NotApplicableError(
            f"no axis of its output is {rows} long for a batch of {rows}, and 1 for a batch of one"
        )
    if found.difference and not _is_rounding(context, number):
        yield Failure(
            f"{context.label}'s output for a sample depends on the other samples in the batch.",
            (f"row {number} alone, {found.difference}", *_find_batch_statistics(context)),
            "Check whether it reduces over the batch axis, or uses batch statistics in evaluation "
            "mode.",
        )


def _find_batch_statistics(context: CaseContext) -> Iterator[str]:
    """Layers that normalize over the batch in evaluation mode too."""
    for name, layer in context.module.named_modules():
        is_batch_norm = "BatchNorm" in type(layer).__name__
        if is_batch_norm and getattr(layer, "track_running_stats", True) is False:
            yield f"{name or 'it'} ({type(layer).__name__}) has track_running_stats=False"
            return


# Relative to the largest value: what rounding leaves in float64, after many layers.
_ROUNDING = 1e-9


def _is_rounding(context: CaseContext, number: int) -> bool:
    """Whether a sample is the same alone and in a batch once the model computes in float64."""
    import torch

    if context.runnable is not context.module:
        return False
    inputs = context.first.inputs.mapped(lambda one: _cast(one, torch.float64))
    try:
        model = _cast(context.copy_module(), torch.float64)
        whole = context.run(model, inputs)
        alone = context.run(model, inputs.row(number))
    except Exception:  # noqa: BLE001 - what cannot compute in float64 is judged as it is
        return False
    found = compare_rows(whole, alone, inputs.batch, number, _ROUNDING)
    return bool(found.count) and not found.difference


@check("C212", "backward", level=2, requires=(*RAN, "C108", "C203"), by_design=True)
def backward(context: CaseContext) -> Iterator[Failure]:
    """In training mode, gradients reach the parameters and are finite.

    The mean of all outputs is differentiated. If no parameter gets a gradient, ``detach``,
    ``no_grad``, ``argmax`` or a conversion to NumPy interrupts the graph.

    Declare ``trainable = true`` to promise this, ``false`` if the model cannot be trained.
    """
    trainable, _ = context.case.config.trainable, context.runnable
    model = find_runnable(context.second_module)
    if trainable is False:
        raise NotApplicableError(f"`trainable = false` is declared in {context.case.place}")
    context.require_numbers(model)
    model.to(context.session.options.device)
    small, whole = context.fast_path.inputs, context.first.inputs
    failure = None
    if small:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            failure = _differentiate(context, model, small)
    if failure or not small:
        # Some models need more than one row, for example for the statistics of a batch.
        failure = _differentiate(context, model, whole)
    if failure is None:
        return
    if trainable is None:
        raise NotApplicableError(
            f"{failure.message} Declare `trainable = true` in {context.case.place} to require it"
        )
    yield failure


def _differentiate(context: CaseContext, model: torch.nn.Module, inputs: Inputs) -> Failure | None:
    import torch

    try:
        with seeded(1), context.session.running_model(context.label):
            model.train()
            fed = inputs.mapped(copied)
            output = invoke(model, fed, gradients=True)
            outputs = [one for _, one in find_tensors(output) if one.requires_grad]
            if not outputs:
                return Failure(
                    f"{context.label} cannot be trained: no output requires a gradient.",
                    ((f"{sum(one.requires_grad for one in model.parameters())} parameters require "
                     "one"),),
                    "Look for detach(), torch.no_grad(), argmax and .numpy().",
                )  # fmt: skip
            real = [torch.view_as_real(one) if one.is_complex() else one for one in outputs]
            total = torch.stack([one.float().mean() for one in real]).sum()
            total.backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001
        message = f"{context.label} fails in training mode: {summarize(error)}."
        return Failure(message, (inputs.provenance,), cause=error)
    grads = {name: one.grad for name, one in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    return _check_gradients(context, grads)


def _check_gradients(context: CaseContext, grads: dict[str, torch.Tensor | None]) -> Failure | None:
    import torch

    reached = {name: grad for name, grad in grads.items() if grad is not None}
    if not reached:
        return Failure(
            f"{context.label} cannot be trained: no parameter gets a gradient.",
            (f"none of {len(grads)}",),
            "Look for detach(), torch.no_grad() and .data.",
        )
    # All at once first, which is much faster.
    is_fine = all(map(_is_plain_float, reached.values())) and math.isfinite(
        torch.stack([grad.sum() for grad in reached.values()]).sum().item()
    )
    bad = [] if is_fine else [name for name, grad in reached.items() if not is_finite(grad)]
    if bad:
        return Failure(
            f"Gradients of {context.label} are not finite.",
            (f"{len(bad)} of {len(reached)}, such as {bad[0]}",),
            "Look for roots, logarithms and divisions at zero.",
        )
    return None


def _is_plain_float(tensor: torch.Tensor) -> bool:
    import torch

    return tensor.layout is torch.strided and tensor.dtype is torch.float32 and tensor.is_cpu


@check("C213", "low-precision", level=2, required=False, requires=(*RAN, "C209"), by_design=True)
def low_precision(context: CaseContext) -> Iterator[Failure]:
    """The model runs in bfloat16.

    That takes half the memory and is several times as fast on most accelerators. The usual
    obstacle is a tensor of a fixed dtype in ``forward``.

    Create tensors with ``x.new_zeros`` or ``dtype=x.dtype``.
    """
    import torch

    context.require_numbers(context.module)
    with emulating_bfloat16():
        failures = [
            *_run_changed(
                context, "in bfloat16", lambda one: _cast(one, torch.bfloat16), _all_finite
            )
        ]
    yield from failures


@check("C214", "device-agnostic", level=2, required=False, requires=(*RAN, "C209"), by_design=True)
def device_agnostic(context: CaseContext) -> Iterator[Failure]:
    """The model stays on the device that it was moved to.

    A tensor that ``forward`` creates on the CPU fails on an accelerator. If ``forward`` creates no
    tensors, and all tensors of the model are parameters or buffers, the check passes. Other models
    run on the meta device, which computes only shapes.

    Create tensors with ``x.new_zeros`` or ``device=x.device``, and register constants as buffers.
    """
    module = context.module
    context.require_numbers(module)
    if "C214" in context.fast_path.passed:
        return
    is_plain = module is context.runnable and not context.case.config.stateful
    if is_plain and not any(find_unregistered(module)):
        made: list[str] = []
        with evaluating(module):
            context.run(watched(module, made))
        if not made:
            return
    yield from _run_changed(
        context, "on another device", lambda one: move(one, "meta"), _all_on_meta
    )


def _run_changed(
    context: CaseContext,
    where: str,
    change: Callable[[Any], Any],
    find_problem: Callable[[Any], str],
) -> Iterator[Failure]:
    """Run a changed copy on changed input."""
    import torch

    first, module = context.first, context.module
    if not isinstance(context.runnable, torch.nn.Module):
        raise NotApplicableError("it is not an nn.Module")
    try:
        spare = context.fast_path.take_spare()
        changed = find_runnable(change(copy_model(module) if spare is None else spare))
        inputs = (context.fast_path.inputs or first.inputs).mapped(change)
        output = context.run(changed, inputs)
    except UndeclaredError:
        raise
    except Exception as error:
        if _needs_numbers(error):
            raise NotApplicableError(
                "its control flow depends on numbers, which the meta device does not compute"
            ) from error
        place = _own_frame(context, error)
        evidence = (f"{place.path}:{place.line}",) if place else ()
        yield Failure(
            f"{context.label} does not run {where}: {summarize(error)}",
            evidence,
            location=place,
        )
        return
    problem = find_problem(output)
    if problem:
        yield Failure(f"{context.label} does not run {where}: {problem}")


def _needs_numbers(error: Exception) -> bool:
    """Whether the meta device refused an operation whose shape depends on numbers."""
    return isinstance(error, NotImplementedError) and "data-independent" in str(error)


def _own_frame(context: CaseContext, error: BaseException) -> Location | None:
    root = f"{context.session.root.resolve()}/"
    own = [
        one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(root)
    ]
    return Location(own[-1].filename[len(root) :], own[-1].lineno or 1) if own else None


def _cast(value: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import torch

    if isinstance(value, torch.nn.Module):
        return value.to(dtype)
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _cast(one, dtype) for key, one in value.items()}
    return (
        type(value)(_cast(one, dtype) for one in value) if type(value) in (tuple, list) else value
    )


def _all_finite(output: Any) -> str:  # noqa: ANN401

    for path, tensor in find_tensors(output):
        if tensor.is_floating_point() and not is_finite(tensor):
            return f"{path} is not finite."
    return ""


def _all_on_meta(output: Any) -> str:  # noqa: ANN401
    for path, tensor in find_tensors(output):
        if not tensor.is_meta:
            return f"{path} is on {tensor.device}, wherever the model is."
    return ""
