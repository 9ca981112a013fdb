"""A model with its weights, and state dicts that are saved and read."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.sandbox import Policy
from pytest_hubkit.case import describe_call
from pytest_hubkit.checks.registry import Failure, PrerequisiteError
from pytest_hubkit.inference import find_module
from pytest_hubkit.seeds import SEED, seeded
from pytest_hubkit.tensors import has_shape

if TYPE_CHECKING:
    from hubkit.facts import Location
    from hubkit.runtime.sandbox import Guard
    from pytest_hubkit.case import Case
    from pytest_hubkit.session import HubconfSession


class Pretrained(Struct, frozen=True):
    """What was seen of a model with its weights; the model itself is not kept.

    Attributes:
        checkpoints: Files that it was read from, as far as they came through torch.hub.
        shapes: Shapes of the entries of its state dict, as `find_shapes` returns them.
        params: How many parameters it has.
        again: Why loading it a second time, without the network, failed, or None.
    """

    checkpoints: tuple[Path, ...]
    shapes: dict[str, tuple[int, ...] | None]
    params: int
    again: Failure | None


def load_pretrained(
    session: HubconfSession, case: Case, arguments: dict[str, Any], location: Location
) -> Pretrained:
    """Load a model with its weights, twice.

    Args:
        session: The hubconf.
        case: The case.
        arguments: Keyword arguments that build it with weights.
        location: Where the entrypoint is defined.

    Raises:
        PrerequisiteError: That fails.
    """
    call, home = describe_call(case.entrypoint, arguments), session.weights_home
    try:
        with seeded(SEED), session.running(call, home=home) as guard:
            made = session.loaded.call(case.entrypoint, **arguments)
    except (Exception, SystemExit) as error:
        raise PrerequisiteError("C305", _describe(call, location, error)) from error
    module = find_module(made)
    state = module.state_dict() if module is not None else {}
    shapes = find_shapes(state)
    parameters = () if module is None else module.parameters()
    params = sum(one.numel() for one in parameters if has_shape(one))
    del made, module, state
    again = None
    try:
        with session.running(call, Policy(), home):
            session.loaded.call(case.entrypoint, **arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        again = _describe_again(call, location, error)
    return Pretrained(_files(guard), shapes, params, again)


def find_shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...] | None]:
    """Shapes of a state dict's tensors; None for lazy ones, which have none before the first run.

    Args:
        state: The state dict.
    """
    import torch

    tensors = ((key, one) for key, one in state.items() if isinstance(one, torch.Tensor))
    return {key: tuple(one.shape) if has_shape(one) else None for key, one in tensors}


def _files(guard: Guard) -> tuple[Path, ...]:
    # Not resolved: the folder may be a link to the user's own.
    paths = (Path(path) for path in dict.fromkeys(guard.checkpoints.values()))
    return tuple(path for path in paths if path.is_file())


def _describe(call: str, location: Location, error: BaseException) -> Failure:
    from hubkit.runtime.sandbox import NetworkDeniedError

    fix = "Check that the URL is right and that the names in the file match the model's."
    if isinstance(error, NetworkDeniedError) or "the network is denied" in str(error):
        fix = "Put the file into --hubconf-weights, or run with --hubconf-network=allow once."
    message = f"{call} fails: {type(error).__name__}: {error}"
    return Failure(message, fix=fix, location=location, cause=error)


def _describe_again(call: str, location: Location, error: BaseException) -> Failure:
    return Failure(
        f"{call} needs the network again although its weights were just downloaded: "
        f"{type(error).__name__}: {error}",
        fix="Download with torch.hub.load_state_dict_from_url, and pin versions.",
        location=location,
        cause=error,
    )


def find_unsafe(state: dict[str, Any]) -> dict[str, object]:
    """Entries that ``torch.load(weights_only=True)`` refuses.

    Args:
        state: A state dict.
    """
    return {key: value for key, value in state.items() if not (_is_plain(value) or _is_safe(value))}


def read_back(state: dict[str, Any]) -> dict[str, Any]:
    """A state dict, saved and loaded.

    Plain tensors are copied instead: torch writes them bit for bit, which takes long.

    Args:
        state: A state dict without unsafe entries.
    """
    import torch

    plain = {key: value for key, value in state.items() if _is_plain(value)}
    # A copy, since state dicts have attributes, such as the versions of their modules.
    written = copy.copy(state)
    written.update(dict.fromkeys(plain, torch.empty(0)))
    loaded: dict[str, Any] = torch.load(_save(written), weights_only=True, map_location="cpu")
    loaded.update((key, value.detach().cpu().clone()) for key, value in plain.items())
    return loaded


def _is_plain(value: object) -> bool:
    import torch

    return (
        isinstance(value, torch.Tensor)
        and type(value) in (torch.Tensor, torch.nn.Parameter)
        and value.layout is torch.strided
        and not value.is_quantized
    )


def _is_safe(value: object) -> bool:
    import torch

    if type(value) in (torch.Tensor, torch.nn.Parameter):
        return True
    try:
        torch.load(_save(value), weights_only=True)
    except Exception:  # noqa: BLE001 - pickling runs the value's own code
        return False
    return True


def _save(value: object) -> io.BytesIO:
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return buffer
