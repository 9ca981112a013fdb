"""Level 2: copies of the model: saved and loaded, deep, pickled."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.forward import BUILT
from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.failures import summarize
from pytest_hubkit.fast_path import find_changed, find_shared
from pytest_hubkit.models import find_runnable
from pytest_hubkit.tensors import CLOSE, find_difference, has_shape
from pytest_hubkit.weights import find_unsafe, read_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.context import CaseContext

_BUILT_TWICE = (*BUILT, "C108")
_MOST = 4


@check("C207", "state-dict-round-trip", level=2, requires=_BUILT_TWICE)
def state_dict_round_trip(context: CaseContext) -> Iterator[Failure]:
    """Saved weights can be loaded into a second model, which then behaves the same.

    The state dict is saved, read with ``weights_only=True``, and loaded with ``strict=True`` into a
    second build. Then all tensors and the outputs of both models are compared. That fails for
    entries that are not tensors, names that differ between builds, modules in plain lists, and
    random numbers in plain attributes.

    Register tensors with ``register_buffer``, keep other data out of the state dict, and give
    submodules the same names in each build.
    """
    if "C207" in context.fast_path.passed:
        return
    context.require_numbers(context.module)
    state = context.module.state_dict()
    strange = find_unsafe(state)
    if strange:
        yield Failure(
            f"torch.load(weights_only=True) refuses the saved weights of {context.label}.",
            tuple(f"{key}: {type(value).__name__}" for key, value in strange.items()),
            "Keep everything but tensors and plain data in attributes that are not part of the "
            "state dict.",
        )
        return
    loaded = read_back(state)
    other = context.second_module
    try:
        other.load_state_dict(loaded, strict=True)
    except (RuntimeError, KeyError, ValueError) as error:
        yield _does_not_fit(context, state, other, error)
        return
    found = list(_differences(context, loaded, other.state_dict()))
    yield from found or _different_outputs(context, other)


def _does_not_fit(
    context: CaseContext, state: dict[str, Any], other: torch.nn.Module, error: Exception
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
        f"Saved weights of {context.label} do not fit a second model from the same call.",
        tuple(evidence) or tuple(str(error).splitlines()[:_MOST]),
        "Use the same names and shapes in each build: no counters, ids or random numbers.",
    )


def _differences(
    context: CaseContext, state: dict[str, Any], again: dict[str, Any]
) -> Iterator[Failure]:
    changed = find_changed(state, again)
    if changed:
        yield Failure(
            f"Loading the weights of {context.label} does not restore them.",
            (f"{len(changed)} of {len(state)} differ, such as {changed[0]}",),
            "Check whether load_state_dict or a hook of the model changes or drops entries.",
        )


def _different_outputs(context: CaseContext, other: torch.nn.Module) -> Iterator[Failure]:
    """The second model must behave as the first, if the first is deterministic."""
    if not context.is_deterministic:
        return
    device = context.session.options.device
    try:
        first = context.first
    except Exception:  # noqa: BLE001 - no input, or C201 fails
        return
    if context.runnable is not context.module:
        return
    again = context.run(other.to(device))
    # Models that draw random numbers are compared from one seed.
    stochastic = context.case.config.stochastic
    seen = find_difference(context.run() if stochastic else first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A second {context.label} with the same weights returns different outputs.",
            (seen,),
            "Register everything that forward uses as a parameter or a buffer.",
        )


@check("C208", "safetensors-ready", level=2, required=False, requires=BUILT)
def safetensors_ready(context: CaseContext) -> Iterator[Failure]:
    """The weights can be saved as safetensors.

    That format holds contiguous tensors that do not share memory, and nothing else.

    Keep only one name of tied weights in the state dict, and call ``contiguous()`` on the others.
    """
    import torch

    state, homes = context.module.state_dict(), dict[int, str]()
    seen = []
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            seen.append(f"{key} is a {type(value).__name__}")
        elif not has_shape(value):
            seen.append(f"{key} has no shape before the model has run")
        elif value.is_meta or value.layout is not torch.strided:
            seen.append(f"{key} is not a plain tensor")
        elif not value.is_contiguous():
            seen.append(f"{key} is not contiguous")
        elif value.numel():
            first = homes.setdefault(value.untyped_storage().data_ptr(), key)
            seen += [f"{key} shares memory with {first}"] if first != key else []
    if seen:
        yield Failure(
            f"The weights of {context.label} cannot be saved as safetensors.",
            tuple(seen[:_MOST]),
        )


@check("C209", "copy", level=2, requires=BUILT, by_design=True)
def copies(context: CaseContext) -> Iterator[Failure]:
    """`copy.deepcopy` returns an independent model that behaves the same.

    Weight averaging, distillation, ensembles and quantization copy models. Locks, open files,
    generators and tensors that are part of a graph cannot be copied.

    Drop such attributes in ``__deepcopy__`` or ``__getstate__``, or create them when needed.
    """
    import torch

    model = context.module
    if "C209" in context.fast_path.passed:
        return
    try:
        copied = context.copy_module()
    except Exception as error:  # noqa: BLE001 - whatever an attribute raises
        yield Failure(
            f"{context.label} cannot be copied: {summarize(error)}",
            tuple(_find_uncopyable(model)),
            "Keep a tensor that is part of a graph as a buffer, or detach() it."
            if "graph leaves" in str(error)
            else "Create it when it is needed, or drop it in __deepcopy__.",
        )
        return
    shared = find_shared(model, copied)
    if shared:
        yield Failure(
            f"A copy of {context.label} shares parameters with it.",
            (f"{len(shared)} shared, such as {shared[0]}",),
            "Check whether __deepcopy__ returns the model itself.",
        )
        return
    if not context.is_deterministic or copied is model:
        return
    try:
        first = context.first
    except Exception:  # noqa: BLE001 - no input, or C201 fails
        return
    if not isinstance(context.runnable, torch.nn.Module):
        return
    again = context.run(find_runnable(copied))
    seen = find_difference(first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A copy of {context.label} returns different outputs.",
            (seen,),
            "Keep everything that forward uses in the model.",
        )


def _find_uncopyable(model: torch.nn.Module) -> Iterator[str]:
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            try:
                copy.deepcopy(value)
            except Exception:  # noqa: BLE001 - whatever it raises
                where = f"{path}.{name}" if path else name
                yield f"{where} is a {type(value).__name__}"


@check("C210", "pickle", level=2, required=False, requires=BUILT, child="work tree")
def pickles(context: CaseContext) -> Iterator[Failure]:
    """The model can be pickled after torch.hub has loaded it.

    ``torch.save(model)``, worker processes and many experiment trackers pickle models. That fails
    for lambdas, locks and handles, and for classes in hubconf.py, which torch.hub does not register
    as a module.

    Define classes in a module of the repo, and functions with ``def``.
    """
    case = context.declared_only.case(context.label)
    if not case.is_module:
        raise NotApplicableError(case.skipped or "it does not return an nn.Module")
    if case.pickling is not None:
        moved = "hubconf" in case.pickling.message
        yield Failure(
            f"{context.label} cannot be pickled: {case.pickling.text}",
            fix="Move the class from hubconf.py to a module of the repo." if moved else "",
        )
