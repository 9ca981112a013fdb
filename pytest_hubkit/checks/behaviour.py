"""Level 2: what the model does, with the example input that is declared for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.registry import Failure, check
from pytest_hubkit.trees import describe, find_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.session import Subject

_BEFORE = ("C101", "C106", "C107")


@check("C201", "forward", level=2, requires=_BEFORE)
def forward(subject: Subject) -> Iterator[Failure]:
    """The model takes the input that is declared for it.

    An example input in the configuration, such as ``input = "f32[B,3,H,W] in [0,1]"``, tells
    users, cards and tests what to feed. Here it is fed: in evaluation mode, without gradients.

    Correct ``input`` or the sizes in ``dims``, or the model.
    """
    inputs = subject.inputs
    try:
        _run(subject)
    except Exception as error:  # noqa: BLE001
        given = ", ".join(map(describe, (*inputs.args, *inputs.kwargs.values())))
        yield Failure(
            f"{subject.label} fails on the input that is declared for it: "
            f"{type(error).__name__}: {error}",
            (f"given {given}", inputs.provenance),
            "Correct `input` or `dims` there, or the model.",
            subject.location,
            error,
        )


@check("C204", "eval-determinism", level=2, requires=(*_BEFORE, "C201"))
def eval_determinism(subject: Subject) -> Iterator[Failure]:
    """In evaluation mode the same input gives the same output, bit for bit.

    Dropout that ignores ``eval()``, noise drawn in ``forward``, or state that one call leaves for
    the next make results of users irreproducible.

    Use ``nn.Dropout`` or pass ``training=self.training`` to ``F.dropout``; keep no state.
    """
    first, second = (dict(find_tensors(_run(subject))) for _ in range(2))
    for path, tensor in first.items():
        other = second.get(path)
        if other is None or other.shape != tensor.shape:
            seen = f"{path}: {describe(tensor)}, then {describe(other)}"
        elif not _same(tensor, other):
            seen = f"{path}: largest difference {_largest_difference(tensor, other)}"
        else:
            continue
        training = _modules_in_training(subject)
        yield Failure(
            f"{subject.label} gives two different answers to the same input in evaluation mode.",
            (seen, *training),
            "F.dropout needs training=self.training; noise and state do not belong in forward.",
            subject.location,
        )
        return


@check("C207", "state-dict-round-trip", level=2, requires=_BEFORE)
def state_dict_round_trip(subject: Subject) -> Iterator[Failure]:
    """Weights that are saved can be loaded into a second model, safely.

    The state dict is saved, read with ``weights_only=True``, as torch does by default, and loaded
    with ``strict=True`` into a model that is built afresh; then all tensors are compared. That
    fails for entries that are no tensors, names that differ from one build to the next, and
    modules that hide from ``nn.Module`` in plain lists.

    Keep plain data out of the state dict; name submodules the same each time.
    """
    import torch

    state = subject.module.state_dict()
    strange = {key: value for key, value in state.items() if not _is_safe(value)}
    if strange:
        yield Failure(
            f"The weights of {subject.label} cannot be read back safely: torch.load refuses them.",
            tuple(f"{key}: {type(value).__name__}" for key, value in strange.items()),
            "torch.load(weights_only=True) takes tensors and plain data; keep the rest in "
            "attributes that are not part of the state dict.",
            subject.location,
        )
        return
    loaded = torch.load(_save(state), weights_only=True)
    other = _find_second_module(subject)
    try:
        other.load_state_dict(loaded, strict=True)
    except (RuntimeError, KeyError, ValueError) as error:
        yield _does_not_fit(subject, state, other, error)
        return
    yield from _differences(subject, state, other.state_dict())


def _does_not_fit(
    subject: Subject, state: dict[str, Any], other: torch.nn.Module, error: Exception
) -> Failure:
    keys = set(other.state_dict())
    missing, unexpected = sorted(keys - set(state)), sorted(set(state) - keys)
    evidence = [
        f"{len(names)} {what}, such as {names[0]}"
        for names, what in (
            (unexpected, "saved and not in the second model"),
            (missing, "in the second model and not saved"),
        )
        if names
    ]
    return Failure(
        f"Saved weights of {subject.label} do not fit a second model that is built the same way.",
        tuple(evidence) or tuple(str(error).splitlines()[:4]),
        "Names and shapes of parameters must be the same each time: no counters, ids or random "
        "numbers in them.",
        subject.location,
    )


def _differences(
    subject: Subject, state: dict[str, Any], again: dict[str, Any]
) -> Iterator[Failure]:
    import torch

    changed = [
        key
        for key, value in state.items()
        if isinstance(value, torch.Tensor) and not _same(value, again.get(key))
    ]
    if changed:
        yield Failure(
            f"Loading the weights of {subject.label} does not restore them.",
            (f"{len(changed)} of {len(state)} differ, such as {changed[0]}",),
            "Does load_state_dict or a hook of the model change or drop entries?",
            subject.location,
        )


def _find_second_module(subject: Subject) -> torch.nn.Module:
    from pytest_hubkit.session import find_module

    second = find_module(subject.build())
    return second if second is not None else subject.module


def _save(value: object) -> Any:  # noqa: ANN401
    import io

    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return buffer


def _is_safe(value: object) -> bool:
    """Whether ``torch.load(weights_only=True)`` reads it back."""
    import torch

    if type(value) in (torch.Tensor, torch.nn.Parameter):
        return True
    try:
        torch.load(_save(value), weights_only=True)
    except Exception:  # noqa: BLE001 - pickling runs the value's own code
        return False
    return True


def _run(subject: Subject) -> Any:  # noqa: ANN401
    """Feed the example input in evaluation mode; the modules' modes are put back."""
    import torch

    model, inputs = subject.module, subject.inputs
    with (
        _evaluating(model),
        torch.inference_mode(),
        subject.conformance.running(f"{subject.label}'s forward"),
        subject.conformance.loaded.active(),
    ):
        return model(*inputs.args, **inputs.kwargs)


@contextlib.contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _modules_in_training(subject: Subject) -> tuple[str, ...]:
    model = subject.module
    with _evaluating(model):
        names = [name or "the model" for name, module in model.named_modules() if module.training]
    return (f"still in training mode after eval(): {', '.join(names[:4])}",) if names else ()


def _same(left: torch.Tensor, right: object) -> bool:
    import torch

    if not isinstance(right, torch.Tensor) or left.shape != right.shape:
        return False
    if left.dtype != right.dtype or left.device != right.device:
        return False
    if left.is_meta or left.is_quantized or left.layout is not torch.strided:
        return True
    return bool(torch.equal(left.nan_to_num(), right.nan_to_num()))


def _largest_difference(left: torch.Tensor, right: torch.Tensor) -> str:
    import torch

    difference = (left.to(torch.float64) - right.to(torch.float64)).abs()
    return f"{difference.max().item():.3g} of values up to {left.abs().max().item():.3g}"
