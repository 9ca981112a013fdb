"""Level 2: rows of a batch, gradients, other types and devices."""

from __future__ import annotations

import copy
import traceback
import warnings
from typing import TYPE_CHECKING, Any

from hubkit.facts import Location
from pytest_hubkit.chain import ROWS_APART
from pytest_hubkit.checks.forward import RAN
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    UndeclaredError,
    check,
)
from pytest_hubkit.comparing import compare, find_rows, is_finite
from pytest_hubkit.forwards import copied, evaluating, move
from pytest_hubkit.inputs import BATCH
from pytest_hubkit.made_inside import find_unregistered, watched
from pytest_hubkit.seeds import seeded
from pytest_hubkit.trees import find_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.subject import Subject

_MOST = 4


@check("C211", "batch-invariance", level=2, requires=(*RAN, "C204"))
def batch_invariance(subject: Subject) -> Iterator[Failure]:
    """A row of a batch gives what it gives alone.

    Otherwise results depend on who else is in the batch: on its size, the order of the data, the
    last batch of an epoch. The usual reasons are a mean over the wrong axis, batch statistics in
    evaluation mode, or padding that leaks. The batch is the axis that is called ``B`` in ``input``.

    Reduce over all axes but the first. Where it is meant, expect C211 or raise ``tolerance``.
    """
    first = subject.first
    rows = first.inputs.batch
    if rows < 2 or subject.case.config.stochastic:
        raise NotApplicableError(f"its input has no batch, an axis called {BATCH} of two or more")
    number = rows - 1
    batched = find_rows(first.output, rows, number)
    if not batched:
        raise NotApplicableError(f"nothing that it gives has {rows} rows")
    if "C211" in subject.chain.shown:
        return
    try:
        alone = dict(find_tensors(subject.run(inputs=first.inputs.row(number))))
    except Exception as error:  # noqa: BLE001
        yield Failure(
            f"{subject.label} takes a batch of {rows} and fails on a batch of one: "
            f"{type(error).__name__}: {error}",
            (first.inputs.provenance,),
            "Does it squeeze or normalise over the batch?",
            subject.location,
            error,
        )
        return
    for path, row in batched.items():
        if path not in alone or alone[path].shape != row.shape:
            raise NotApplicableError(f"{path} has another shape for a batch of one")
    seen = compare(batched, alone, subject.case.config.tolerance or ROWS_APART)
    if seen:
        yield Failure(
            f"What {subject.label} gives for an input depends on the rest of the batch.",
            (f"row {number} alone, {seen}",),
            "Does it reduce over the batch axis, or use batch statistics in evaluation mode?",
            subject.location,
        )


@check("C212", "backward", level=2, requires=(*RAN, "C108", "C203"))
def backward(subject: Subject) -> Iterator[Failure]:
    """In training mode gradients reach the parameters, and are finite.

    The mean of all outputs is differentiated. Parameters that get no gradient are told, which may
    be right; none at all means that ``detach``, ``no_grad``, ``argmax`` or a conversion to NumPy
    cuts the way.

    Say ``trainable = true`` where this is promised, ``false`` where it is not.
    """
    trainable, model = subject.case.config.trainable, subject.second_module
    if trainable is False:
        raise NotApplicableError(f"`trainable = false` is declared in {subject.case.place}")
    if subject.conformance.options.device == "meta":
        raise NotApplicableError("on the meta device no numbers flow")
    model.to(subject.conformance.options.device)
    small, whole = subject.chain.inputs, subject.first.inputs
    failure = None
    if small:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            failure = _differentiate(subject, model, small)
    if failure or not small:
        # Some models need more than one row to be trained, for the statistics of a batch say.
        failure = _differentiate(subject, model, whole)
    if failure is None:
        return
    if trainable is None:
        raise NotApplicableError(
            f"{failure.message} `trainable = true` in {subject.case.place} would promise more"
        )
    yield failure


def _differentiate(subject: Subject, model: torch.nn.Module, inputs: Inputs) -> Failure | None:
    import torch

    where = subject.location
    try:
        with seeded(1), subject.running(), subject.conformance.loaded.active(), torch.enable_grad():
            model.train()
            fed = inputs.mapped(copied)
            output = model(*fed.args, **fed.kwargs)
            given = [one for _, one in find_tensors(output) if one.requires_grad]
            if not given:
                return Failure(
                    f"{subject.label} cannot be trained: nothing that it gives has a gradient.",
                    ((f"{sum(one.requires_grad for one in model.parameters())} parameters ask "
                     "for one"),),
                    "Look for detach(), torch.no_grad(), argmax and .numpy() on the way.",
                    where,
                )  # fmt: skip
            real = [torch.view_as_real(one) if one.is_complex() else one for one in given]
            total = torch.stack([one.float().mean() for one in real]).sum()
            total.backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001
        message = f"{subject.label} fails in training mode: {type(error).__name__}: {error}"
        return Failure(message, (inputs.provenance,), "", where, error)
    grads = {name: one.grad for name, one in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    return _judge_gradients(subject, grads)


def _judge_gradients(subject: Subject, grads: dict[str, torch.Tensor | None]) -> Failure | None:
    reached = {name: grad for name, grad in grads.items() if grad is not None}
    if not reached:
        return Failure(
            f"{subject.label} cannot be trained: no parameter gets a gradient.",
            (f"none of {len(grads)}",),
            "Look for detach(), torch.no_grad() and .data on the way.",
            subject.location,
        )
    bad = [name for name, grad in reached.items() if not is_finite(grad)]
    if bad:
        return Failure(
            f"Gradients of {subject.label} are not finite.",
            (f"{len(bad)} of {len(reached)}, such as {bad[0]}",),
            "Look for roots, logarithms and divisions at zero.",
            subject.location,
        )
    return None


@check("C213", "low-precision", level=2, required=False, requires=(*RAN, "C209"))
def low_precision(subject: Subject) -> Iterator[Failure]:
    """The model runs in bfloat16.

    Half the memory and, on most accelerators, several times the speed. Constants of a fixed type
    in ``forward`` stand in the way most often.

    Make tensors by ``x.new_zeros`` or with ``dtype=x.dtype``.
    """
    import torch

    yield from _elsewhere(
        subject, "in bfloat16", lambda one: _cast(one, torch.bfloat16), _all_finite
    )


@check("C214", "device-agnostic", level=2, required=False, requires=(*RAN, "C209"))
def device_agnostic(subject: Subject) -> Iterator[Failure]:
    """The model stays on the device that it was moved to.

    A tensor that ``forward`` makes on the CPU works everywhere but on an accelerator. A run that
    makes none, of a model without tensors that are neither parameters nor buffers, stays where it
    is; the meta device, which computes shapes only, tells of all others.

    Make tensors by ``x.new_zeros`` or with ``device=x.device``; register constants as buffers.
    """
    module = subject.module
    if "C214" in subject.chain.shown:
        return
    if module is subject.runnable and not any(find_unregistered(module)):
        made: list[str] = []
        with evaluating(module):
            subject.run(watched(module, made))
        if not made:
            return
    yield from _elsewhere(subject, "on another device", lambda one: move(one, "meta"), _all_on_meta)


def _elsewhere(subject: Subject, where: str, change: Any, judge: Any) -> Iterator[Failure]:  # noqa: ANN401
    """Run a changed copy on changed input."""
    import torch

    first = subject.first
    if not isinstance(subject.runnable, torch.nn.Module):
        raise NotApplicableError("it is no nn.Module")
    try:
        spare = subject.chain.take_spare()
        changed = change(copy.deepcopy(subject.module) if spare is None else spare)
        inputs = (subject.chain.inputs or first.inputs).mapped(change)
        output = subject.run(changed, inputs)
    except UndeclaredError:
        raise
    except Exception as error:
        if _needs_numbers(error):
            raise NotApplicableError(
                "its result depends on numbers, of which the meta device has none"
            ) from error
        place = _own_frame(subject, error)
        said = str(error).splitlines()[0] if str(error) else ""
        evidence = (f"{place.path}:{place.line}",) if place else ()
        yield Failure(
            f"{subject.label} does not run {where}: {type(error).__name__}: {said}",
            evidence,
            location=place or subject.location,
        )
        return
    problem = judge(output)
    if problem:
        yield Failure(f"{subject.label} does not run {where}: {problem}", location=subject.location)


def _needs_numbers(error: Exception) -> bool:
    """Whether the meta device has refused an operation, as it must where results decide on shapes."""
    return isinstance(error, NotImplementedError) and "data-independent" in str(error)


def _own_frame(subject: Subject, error: BaseException) -> Location | None:
    root = f"{subject.conformance.root.resolve()}/"
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
            return f"{path} is on {tensor.device}, whatever the model is on."
    return ""
