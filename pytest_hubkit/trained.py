"""A model with its weights: loaded once as the policy allows, and once more without the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.sandbox import Policy
from pytest_hubkit.cases import describe_call
from pytest_hubkit.checks.registry import Failure, PrerequisiteError
from pytest_hubkit.forwards import find_module
from pytest_hubkit.seeds import SEED, seeded
from pytest_hubkit.trees import has_shape

if TYPE_CHECKING:
    from hubkit.runtime.sandbox import Guard
    from pytest_hubkit.subject import Subject


class Trained(Struct, frozen=True):
    """What was seen of a model with its weights; the model itself is not kept.

    Attributes:
        checkpoints: Files that it was read from, as far as they came through torch.hub.
        shapes: Shapes of the entries of its state dict, as `find_shapes` gives them.
        params: How many parameters it has.
        again: Why loading it a second time, without the network, failed, or None.
    """

    checkpoints: tuple[Path, ...]
    shapes: dict[str, tuple[int, ...] | None]
    params: int
    again: Failure | None


def load_trained(subject: Subject) -> Trained:
    """Load a model with its weights, twice.

    Args:
        subject: The case.

    Raises:
        PrerequisiteError: That fails.
    """
    arguments = subject.case.trained_arguments(subject.function) or {}
    call = describe_call(subject.case.entrypoint, arguments)
    home = subject.conformance.weights_home
    try:
        with seeded(SEED), subject.conformance.running(call, home=home) as guard:
            made = subject.conformance.loaded.call(subject.case.entrypoint, **arguments)
    except (Exception, SystemExit) as error:
        raise PrerequisiteError("C305", _describe(subject, call, error)) from error
    module = find_module(made)
    state = module.state_dict() if module is not None else {}
    shapes = find_shapes(state)
    parameters = () if module is None else module.parameters()
    params = sum(one.numel() for one in parameters if has_shape(one))
    del made, module, state
    again = None
    try:
        with subject.conformance.running(call, Policy(), home):
            subject.conformance.loaded.call(subject.case.entrypoint, **arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        again = _describe_again(subject, call, error)
    return Trained(_files(guard), shapes, params, again)


def find_shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...] | None]:
    """Shapes of a state dict's tensors; None for those that get theirs when the model first runs.

    Args:
        state: The state dict.
    """
    import torch

    tensors = ((key, one) for key, one in state.items() if isinstance(one, torch.Tensor))
    return {key: tuple(one.shape) if has_shape(one) else None for key, one in tensors}


def _files(guard: Guard) -> tuple[Path, ...]:
    # Kept as they are named: the folder may be a link to the user's own.
    paths = (Path(path) for path in dict.fromkeys(guard.checkpoints.values()))
    return tuple(path for path in paths if path.is_file())


def _describe(subject: Subject, call: str, error: BaseException) -> Failure:
    from hubkit.runtime.sandbox import NetworkDeniedError

    fix = "Is the URL right, and do the names in the file match the model's?"
    if isinstance(error, NetworkDeniedError) or "the network is denied" in str(error):
        fix = "Put the file into --hubconf-weights, or run with --hubconf-network=allow once."
    return Failure(
        f"{call} fails: {type(error).__name__}: {error}",
        fix=fix,
        location=subject.location,
        cause=error,
    )


def _describe_again(subject: Subject, call: str, error: BaseException) -> Failure:
    return Failure(
        f"{call} needs the network again although its weights were downloaded a moment ago: "
        f"{type(error).__name__}: {error}",
        fix="Use torch.hub.load_state_dict_from_url, and fixed versions.",
        location=subject.location,
        cause=error,
    )
