"""A model with its weights, and state dicts that are saved and read."""

from __future__ import annotations

import copy
import functools
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.facts import WeightsFile
from hubkit.runtime.sandbox import Policy, wrap_requests
from pytest_hubkit.case import describe_call
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    PrerequisiteError,
    UndeclaredError,
)
from pytest_hubkit.fit import watching_states
from pytest_hubkit.inference import find_module
from pytest_hubkit.seeds import OTHER_SEED, SEED, seeded
from pytest_hubkit.stored import digest_of, find_outside, find_weights
from pytest_hubkit.tensors import find_tensors, fingerprints, has_shape, is_finite, is_same

if TYPE_CHECKING:
    import torch

    from hubkit.runtime.sandbox import Guard
    from pytest_hubkit.case import Case
    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.fit import Fit, LoadedStates
    from pytest_hubkit.session import HubconfSession

_HOME = "home"


class Pretrained(Struct, frozen=True):
    """What was seen of a model with its weights; the model itself is not kept.

    Attributes:
        call: The call as Python code.
        files: Files that it was read from, and what reports say about them.
        outside: Files that lie neither in the repo nor in the hub dir.
        shapes: Shapes of the entries of its state dict, as `find_shapes` returns them.
        digests: Fingerprints of these entries.
        params: How many parameters it has.
        fit: How the weights fit it; None if it is not a module.
        is_ignored: Whether its state is that of the model without weights.
        output: What is wrong with its output, or "".
        again: Why loading it a second time, without the network, failed, or None.
        again_digests: Fingerprints after that, from other random numbers; empty if it failed.
    """

    call: str
    files: dict[Path, WeightsFile]
    outside: tuple[str, ...]
    shapes: dict[str, tuple[int, ...] | None]
    digests: dict[str, int]
    params: int
    fit: Fit | None
    is_ignored: bool
    output: str
    again: Failure | None
    again_digests: dict[str, int]

    def changed(self, other: dict[str, int]) -> tuple[str, ...]:
        """Entries that differ when it is loaded again, here or in another process."""
        loads = [one for one in (self.again_digests, other) if one]
        return tuple(key for key, one in self.digests.items()
                     if any(two.get(key) != one for two in loads))  # fmt: skip


class _Loaded(Struct, frozen=True):
    """A model with its weights, and what was seen while it was built."""

    made: Any
    guard: Guard
    states: LoadedStates
    home: Path


def load_pretrained(context: CaseContext) -> Pretrained:
    """Load a model with its weights twice, from another current folder.

    Raises:
        PrerequisiteError: That fails.
        UndeclaredError: It requests a file that is not on this machine.
    """
    session = context.session
    if session.options.network == "allow":
        return _load_twice(context, session.folder / session.weights_home)
    with tempfile.TemporaryDirectory(prefix="weights-", dir=session.folder) as folder:
        return _load_twice(context, Path(folder, _HOME))


def _load_twice(context: CaseContext, home: Path) -> Pretrained:
    loaded = _load(context, home)
    module = find_module(loaded.made)
    state = {} if module is None else module.state_dict()
    files = _find_files(context, loaded)
    # In one folder with the hub dir, files are where they will be found; elsewhere they are not.
    found = tuple(find_weights(loaded.guard.opened or ()))
    result = Pretrained(
        call=_call(context),
        files=files,
        outside=find_outside(found, context.session.root.resolve(), context.session.root, home),
        shapes=find_shapes(state),
        digests=fingerprints(state.items()),
        params=sum(one.numel() for one in module.parameters() if has_shape(one)) if module else 0,
        fit=None if module is None else loaded.states.fit(module),
        is_ignored=module is not None and _is_untrained(context, state),
        output=_judge_output(context, loaded.made),
        again=None,
        again_digests={},
    )
    del loaded, module, state
    return _load_again(context, result, home)


def _load_again(context: CaseContext, result: Pretrained, home: Path) -> Pretrained:
    from msgspec import structs

    try:
        made = _load(context, home, again=True).made
    except PrerequisiteError as error:
        return structs.replace(result, again=error.failure)
    module = find_module(made)
    digests = fingerprints(module.state_dict().items()) if module is not None else {}
    return structs.replace(result, again_digests=digests)


def _call(context: CaseContext) -> str:
    arguments = context.case.trained_arguments(context.function) or {}
    return describe_call(context.case.entrypoint, arguments)


def _load(context: CaseContext, home: Path, *, again: bool = False) -> _Loaded:
    """Call the entrypoint with its weights.

    Requests are answered with files of this machine, the second time not even with those. A library
    that the code imports on the way is prepared for that before a second attempt.
    """
    wrap_requests()
    try:
        return _try_to_load(context, home, again=again)
    except UndeclaredError:
        if again or not wrap_requests():
            raise
        return _try_to_load(context, home, again=again)


def _try_to_load(context: CaseContext, home: Path, *, again: bool) -> _Loaded:
    session, call = context.session, _call(context)
    arguments = context.case.trained_arguments(context.function) or {}
    policy = Policy() if again else session.options.policy
    _ = session.store  # before another hub dir is set
    home.mkdir(parents=True, exist_ok=True)
    guard: Guard | None = None
    try:
        with (
            seeded(OTHER_SEED if again else SEED),
            session.running(call, policy, str(home)) as guard,
            watching_states() as states,
        ):
            guard.opened = {}
            if not again:
                answer_from_machine(guard, session, context.case)
            os.chdir(session.elsewhere)
            made = session.loaded.call(context.case.entrypoint, **arguments)
    except (Exception, SystemExit) as error:
        if guard is not None and not again:
            require_answered(guard, call)
        describe = _describe_again if again else _describe
        raise PrerequisiteError("C305", describe(call, error)) from error
    if not again:
        require_answered(guard, call)
    return _Loaded(made, guard, states, home)


def answer_from_machine(guard: Guard, session: HubconfSession, case: Case) -> None:
    """Let files of this machine answer requests, unless the network may be reached."""
    if not guard.policy.everything:
        digest = case.config.weights.sha256 if case.config.weights else ""
        guard.find_file = functools.partial(session.store.find, digest=digest)


def require_answered(guard: Guard, call: str) -> None:
    """Check that no request was denied.

    Raises:
        UndeclaredError: One was. What the code did afterwards says nothing about its weights.
    """
    if guard.attempts and not guard.policy.everything:
        raise UndeclaredError(
            f"not tried: {call} requests {guard.attempts[0].target}, which is not on this machine: "
            "put the file into dist/, pass --hubconf-weights=DIR, or run with --hubconf-network=allow"
        )


def _find_files(context: CaseContext, loaded: _Loaded) -> dict[Path, WeightsFile]:
    """The files of a load: what answered requests, and what was read besides its copies."""
    store, guard, home = context.session.store, loaded.guard, loaded.home
    answered = list(dict.fromkeys(guard.answered.values()))
    named = [Path(path) for path in guard.checkpoints.values() if not answered]
    read = [one for one in find_weights(guard.opened or ())
            if not (answered and one.is_relative_to(home))]  # fmt: skip
    own = find_outside(read)  # not those of installed packages
    paths = dict.fromkeys((*answered, *named, *(one for one in read if str(one) in own)))
    return {
        path: WeightsFile(store.describe(path), digest_of(path), path.stat().st_size)
        for path in paths
        if path.is_file()
    }


def _is_untrained(context: CaseContext, state: dict[str, Any]) -> bool:
    """Whether a state dict is that of the model without weights, from the same random numbers."""
    if context.case.needs_weights:
        return False
    other = context.module.state_dict()
    tensors = dict(find_tensors(state))
    return bool(tensors) and all(
        is_same(one, two)
        for (_, one), (_, two) in zip(tensors.items(), find_tensors(other), strict=False)
    )


def _judge_output(context: CaseContext, made: Any) -> str:  # noqa: ANN401
    """What is wrong with the output for the example input, if there is one."""
    if context.session.options.device != "cpu":
        return ""
    try:
        untrained = context.first.output
    except (NotApplicableError, PrerequisiteError):
        return ""  # C201 reports it.
    module = find_module(made)
    try:
        output = context.run(made if module is None else module)
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        return f"running it on the example input fails: {type(error).__name__}: {error}"
    before = _numbers(untrained)
    after = _numbers(output)
    if not all(map(is_finite, after)) and all(map(is_finite, before)):
        return "its output has NaN or infinity on the example input"
    is_equal = len(before) == len(after) and all(map(is_same, before, after))
    if before and is_equal and not context.case.needs_weights:
        return "its output on the example input is the same with and without weights"
    return ""


def _numbers(output: Any) -> list[torch.Tensor]:  # noqa: ANN401
    """Tensors of floats; a detector may find nothing, with or without weights."""
    tensors = (one for _, one in find_tensors(output))
    return [one for one in tensors if one.is_floating_point() and one.numel()]


def find_shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...] | None]:
    """Shapes of a state dict's tensors; None for lazy ones, which have none before the first run."""
    import torch

    tensors = ((key, one) for key, one in state.items() if isinstance(one, torch.Tensor))
    return {key: tuple(one.shape) if has_shape(one) else None for key, one in tensors}


def _describe(call: str, error: BaseException) -> Failure:
    fix = "Check that the URL is right and that the names in the file match the model's."
    if isinstance(error, FileNotFoundError):
        fix = "Open files of the repo with Path(__file__).parent, and commit them."
    elif "CUDA device" in str(error):
        fix = 'Load with map_location="cpu"; the caller moves the model to a GPU.'
    return Failure(f"{call} fails: {type(error).__name__}: {error}", fix=fix, cause=error)


def _describe_again(call: str, error: BaseException) -> Failure:
    return Failure(
        f"{call} fails the second time, without a network: {type(error).__name__}: {error}",
        fix="Download with torch.hub.load_state_dict_from_url, and pin versions.",
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
