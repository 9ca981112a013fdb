"""Level 2: copies of the model: saved and loaded, deep, pickled."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.forward import BUILT
from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.fast_path import find_changed, find_shared
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
    """Weights that are saved can be loaded into a second model, which then does the same.

    The state dict is saved, read with ``weights_only=True``, as torch does by default, and loaded
    with ``strict=True`` into a model that is built afresh; then all tensors are compared, and what
    both models give. That fails for entries that are no tensors, names that differ from one build
    to the next, modules that hide from ``nn.Module`` in plain lists, and random numbers that are
    kept in plain attributes.

    Keep plain data out of the state dict and tensors in it, by ``register_buffer``; name submodules
    the same each time.
    """
    if "C207" in context.fast_path.passed:
        return
    state = context.module.state_dict()
    strange = find_unsafe(state)
    if strange:
        yield Failure(
            f"The weights of {context.label} cannot be read back safely: torch.load refuses them.",
            tuple(f"{key}: {type(value).__name__}" for key, value in strange.items()),
            "torch.load(weights_only=True) takes tensors and plain data; keep the rest in "
            "attributes that are not part of the state dict.",
            context.location,
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
        f"Saved weights of {context.label} do not fit a second model that is built the same way.",
        tuple(evidence) or tuple(str(error).splitlines()[:_MOST]),
        "Names and shapes of parameters must be the same each time: no counters, ids or random "
        "numbers in them.",
        context.location,
    )


def _differences(
    context: CaseContext, state: dict[str, Any], again: dict[str, Any]
) -> Iterator[Failure]:
    changed = find_changed(state, again)
    if changed:
        yield Failure(
            f"Loading the weights of {context.label} does not restore them.",
            (f"{len(changed)} of {len(state)} differ, such as {changed[0]}",),
            "Does load_state_dict or a hook of the model change or drop entries?",
            context.location,
        )


def _different_outputs(context: CaseContext, other: torch.nn.Module) -> Iterator[Failure]:
    """The second model must do what the first does, as far as the first does always the same."""
    if not context.is_deterministic:
        return
    device = context.session.options.device
    try:
        first = context.first
    except Exception:  # noqa: BLE001 - no input, or C201 tells
        return
    if context.runnable is not context.module:
        return
    again = context.run(other.to(device))
    # What draws random numbers is compared from one seed.
    stochastic = context.case.config.stochastic
    seen = find_difference(context.run() if stochastic else first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A second {context.label} with the same weights gives other results.",
            (seen,),
            "Something that forward uses is not in the state dict: register it as a buffer.",
            context.location,
        )


@check("C208", "safetensors-ready", level=2, required=False, requires=BUILT)
def safetensors_ready(context: CaseContext) -> Iterator[Failure]:
    """The weights can be saved as safetensors.

    That format holds plain tensors: no two that share memory, none with gaps, nothing that is not
    a tensor.

    Leave tied weights out of the state dict but for one name; call ``contiguous()`` on the rest.
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
            f"The weights of {context.label} cannot be saved as safetensors as they are.",
            tuple(seen[:_MOST]),
            location=context.location,
        )


@check("C209", "copy", level=2, requires=BUILT)
def copies(context: CaseContext) -> Iterator[Failure]:
    """`copy.deepcopy` gives an independent model that does the same.

    Averaged weights, distillation, ensembles and quantisation all copy models. Locks, open files,
    generators and tensors that hang on a computation cannot be copied.

    Leave such things out in ``__deepcopy__`` or ``__getstate__``, or make them when needed.
    """
    import torch

    model = context.module
    if "C209" in context.fast_path.passed:
        return
    try:
        copied = context.copy_module()
    except Exception as error:  # noqa: BLE001 - whatever an attribute raises
        yield Failure(
            f"{context.label} cannot be copied: {type(error).__name__}: {error}",
            tuple(_attributes_that_refuse(model)),
            "Make it when it is needed, or leave it out of copies by __deepcopy__.",
            context.location,
        )
        return
    shared = find_shared(model, copied)
    if shared:
        yield Failure(
            f"A copy of {context.label} shares parameters with it: training one changes the other.",
            (f"{len(shared)} shared, such as {shared[0]}",),
            "Does __deepcopy__ return the model itself?",
            context.location,
        )
        return
    if not context.is_deterministic or copied is model:
        return
    try:
        first = context.first
    except Exception:  # noqa: BLE001 - no input, or C201 tells
        return
    if not isinstance(context.runnable, torch.nn.Module):
        return
    again = context.run(copied)
    seen = find_difference(first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A copy of {context.label} gives other results than the model itself.",
            (seen,),
            "Is something that forward uses kept outside the model?",
            context.location,
        )


def _attributes_that_refuse(model: torch.nn.Module) -> Iterator[str]:
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            try:
                copy.deepcopy(value)
            except Exception:  # noqa: BLE001 - whatever it raises
                where = f"{path}.{name}" if path else name
                yield f"{where} is a {type(value).__name__}"


@check("C210", "pickle", level=2, required=False, requires=BUILT)
def pickles(context: CaseContext) -> Iterator[Failure]:
    """The model can be pickled, after torch.hub has loaded it.

    That is what ``torch.save(model)``, worker processes and many experiment trackers do. It fails
    for lambdas, locks and handles, and for classes that are defined in hubconf.py, since torch.hub
    does not register that as a module.

    Define classes in a module of the repo, and functions by ``def``.
    """
    case = context.children.declared_only.case(context.label)
    if not case.is_module:
        raise NotApplicableError(case.skipped or "it gives no nn.Module")
    if case.pickling is not None:
        moved = "hubconf" in case.pickling.message
        yield Failure(
            f"{context.label} cannot be pickled: {case.pickling.text}",
            fix="Move the class from hubconf.py to a module of the repo." if moved else "",
            location=context.location,
        )
