"""Level 2: copies of the model: saved and loaded, deep, pickled."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pytest_hubkit.chain import deep_copy, find_changed, find_shared
from pytest_hubkit.checks.forward import BUILT
from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.comparing import CLOSE, find_difference
from pytest_hubkit.saving import find_unsafe, read_back
from pytest_hubkit.trees import has_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.subject import Subject

_BUILT_TWICE = (*BUILT, "C108")
_MOST = 4


@check("C207", "state-dict-round-trip", level=2, requires=_BUILT_TWICE)
def state_dict_round_trip(subject: Subject) -> Iterator[Failure]:
    """Weights that are saved can be loaded into a second model, which then does the same.

    The state dict is saved, read with ``weights_only=True``, as torch does by default, and loaded
    with ``strict=True`` into a model that is built afresh; then all tensors are compared, and what
    both models give. That fails for entries that are no tensors, names that differ from one build
    to the next, modules that hide from ``nn.Module`` in plain lists, and random numbers that are
    kept in plain attributes.

    Keep plain data out of the state dict and tensors in it, by ``register_buffer``; name submodules
    the same each time.
    """
    if "C207" in subject.chain.shown:
        return
    state = subject.module.state_dict()
    strange = find_unsafe(state)
    if strange:
        yield Failure(
            f"The weights of {subject.label} cannot be read back safely: torch.load refuses them.",
            tuple(f"{key}: {type(value).__name__}" for key, value in strange.items()),
            "torch.load(weights_only=True) takes tensors and plain data; keep the rest in "
            "attributes that are not part of the state dict.",
            subject.location,
        )
        return
    loaded = read_back(state)
    other = subject.second_module
    try:
        other.load_state_dict(loaded, strict=True)
    except (RuntimeError, KeyError, ValueError) as error:
        yield _does_not_fit(subject, state, other, error)
        return
    found = list(_differences(subject, loaded, other.state_dict()))
    yield from found or _different_outputs(subject, other)


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
        tuple(evidence) or tuple(str(error).splitlines()[:_MOST]),
        "Names and shapes of parameters must be the same each time: no counters, ids or random "
        "numbers in them.",
        subject.location,
    )


def _differences(
    subject: Subject, state: dict[str, Any], again: dict[str, Any]
) -> Iterator[Failure]:
    changed = find_changed(state, again)
    if changed:
        yield Failure(
            f"Loading the weights of {subject.label} does not restore them.",
            (f"{len(changed)} of {len(state)} differ, such as {changed[0]}",),
            "Does load_state_dict or a hook of the model change or drop entries?",
            subject.location,
        )


def _different_outputs(subject: Subject, other: torch.nn.Module) -> Iterator[Failure]:
    """The second model must do what the first does, as far as the first does always the same."""
    if ("C204", subject.label) in subject.conformance.broken:
        return
    device = subject.conformance.options.device
    try:
        first = subject.first
    except Exception:  # noqa: BLE001 - no input, or C201 tells
        return
    if subject.runnable is not subject.module:
        return
    again = subject.run(other.to(device))
    # What draws random numbers is compared from one seed.
    stochastic = subject.case.config.stochastic
    seen = find_difference(subject.run() if stochastic else first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A second {subject.label} with the same weights gives other results.",
            (seen,),
            "Something that forward uses is not in the state dict: register it as a buffer.",
            subject.location,
        )


@check("C208", "safetensors-ready", level=2, required=False, requires=BUILT)
def safetensors_ready(subject: Subject) -> Iterator[Failure]:
    """The weights can be saved as safetensors.

    That format holds plain tensors: no two that share memory, none with gaps, nothing that is not
    a tensor.

    Leave tied weights out of the state dict but for one name; call ``contiguous()`` on the rest.
    """
    import torch

    state, homes = subject.module.state_dict(), dict[int, str]()
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
            f"The weights of {subject.label} cannot be saved as safetensors as they are.",
            tuple(seen[:_MOST]),
            location=subject.location,
        )


@check("C209", "copy", level=2, requires=BUILT)
def copies(subject: Subject) -> Iterator[Failure]:
    """`copy.deepcopy` gives an independent model that does the same.

    Averaged weights, distillation, ensembles and quantisation all copy models. Locks, open files,
    generators and tensors that hang on a computation cannot be copied.

    Leave such things out in ``__deepcopy__`` or ``__getstate__``, or make them when needed.
    """
    import torch

    model = subject.module
    if "C209" in subject.chain.shown:
        return
    try:
        copied = deep_copy(subject)
    except Exception as error:  # noqa: BLE001 - whatever an attribute raises
        yield Failure(
            f"{subject.label} cannot be copied: {type(error).__name__}: {error}",
            tuple(_attributes_that_refuse(model)),
            "Make it when it is needed, or leave it out of copies by __deepcopy__.",
            subject.location,
        )
        return
    shared = find_shared(model, copied)
    if shared:
        yield Failure(
            f"A copy of {subject.label} shares parameters with it: training one changes the other.",
            (f"{len(shared)} shared, such as {shared[0]}",),
            "Does __deepcopy__ return the model itself?",
            subject.location,
        )
        return
    if ("C204", subject.label) in subject.conformance.broken or copied is model:
        return
    try:
        first = subject.first
    except Exception:  # noqa: BLE001 - no input, or C201 tells
        return
    if not isinstance(subject.runnable, torch.nn.Module):
        return
    again = subject.run(copied)
    seen = find_difference(first.output, again, CLOSE)
    if seen:
        yield Failure(
            f"A copy of {subject.label} gives other results than the model itself.",
            (seen,),
            "Is something that forward uses kept outside the model?",
            subject.location,
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
def pickles(subject: Subject) -> Iterator[Failure]:
    """The model can be pickled, after torch.hub has loaded it.

    That is what ``torch.save(model)``, worker processes and many experiment trackers do. It fails
    for lambdas, locks and handles, and for classes that are defined in hubconf.py, since torch.hub
    does not register that as a module.

    Define classes in a module of the repo, and functions by ``def``.
    """
    case = subject.conformance.children.declared_only.case(subject.label)
    if not case.is_module:
        raise NotApplicableError(case.skipped or "it gives no nn.Module")
    if case.pickling is not None:
        moved = "hubconf" in case.pickling.message
        yield Failure(
            f"{subject.label} cannot be pickled: {case.pickling.text}",
            fix="Move the class from hubconf.py to a module of the repo." if moved else "",
            location=subject.location,
        )
