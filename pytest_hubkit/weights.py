"""A model with its weights, and state dicts that are saved and read."""

from __future__ import annotations

import copy
import functools
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field, structs

from hubkit._util.text import cut_lines
from hubkit.facts import WeightsFile
from hubkit.runtime.sandbox import Policy, wrap_requests
from pytest_hubkit.checks.registry import (
    Failure,
    PrerequisiteError,
    UndeclaredError,
)
from pytest_hubkit.fit import watching_states
from pytest_hubkit.models import find_module
from pytest_hubkit.seeds import OTHER_SEED, SEED, seeded
from pytest_hubkit.stored import digest_of, find_outside, find_weights
from pytest_hubkit.tensors import fingerprints, has_shape, is_finite, is_same
from pytest_hubkit.values import find_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from hubkit.runtime.sandbox import Guard
    from pytest_hubkit.case import BuildCall, Case
    from pytest_hubkit.fit import Fit, LoadedStates
    from pytest_hubkit.session import HubconfSession


class Pretrained(Struct, frozen=True):
    """What was seen of a model with its weights; the model itself is not kept.

    Attributes:
        call: The call as Python code.
        files: Files that it was read from, and what reports say about them.
        urls: The URLs that these files stand for, as far as they were requested.
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
    urls: dict[Path, str]
    outside: tuple[str, ...]
    shapes: dict[str, tuple[int, ...] | None]
    digests: dict[str, int]
    params: int
    fit: Fit | None
    is_ignored: bool
    output: str
    again: Failure | None = None
    again_digests: dict[str, int] = field(default_factory=dict)

    def changed(self, other: dict[str, int]) -> tuple[str, ...]:
        """Entries that differ when it is loaded again, here or in another process."""
        loads = [one for one in (self.again_digests, other) if one]
        return tuple(key for key, one in self.digests.items()
                     if any(two.get(key) != one for two in loads))  # fmt: skip


class Untrained(Struct, frozen=True):
    """The model without weights, to compare with.

    Attributes:
        state: Returns its state dict.
        output: Returns its output for the example input; None if there is none.
        run: Runs another model on the same input.
    """

    state: Callable[[], dict[str, Any]]
    output: Callable[[], Any]
    run: Callable[[Any], Any]


class _Loaded(Struct, frozen=True):
    """A model with its weights, and what was seen while it was built."""

    made: Any
    guard: Guard
    states: LoadedStates


class _Load(Struct, frozen=True):
    """A call with weights.

    Attributes:
        session: The hubconf.
        call: The call.
        home: The folder for what torch caches.
        again: Whether it was made before, so that nothing must be requested.
    """

    session: HubconfSession
    call: BuildCall
    home: Path
    again: bool = False

    def run(self) -> _Loaded:
        """Call the entrypoint.

        A library that the code imports on the way is prepared to answer requests before a second
        attempt.
        """
        wrap_requests()
        try:
            return self._try()
        except UndeclaredError:
            if not wrap_requests():
                raise
            return self._try()

    def _try(self) -> _Loaded:
        session, text = self.session, self.call.text
        policy = Policy() if self.again else session.options.policy
        _ = session.store  # before another hub dir is set
        self.home.mkdir(parents=True, exist_ok=True)
        guard: Guard | None = None
        try:
            with (
                seeded(OTHER_SEED if self.again else SEED),
                session.running(text, policy, str(self.home)) as guard,
                watching_states() as states,
            ):
                guard.opened = {}
                if not self.again:
                    answer_from_machine(guard, session, self.call.case)
                os.chdir(session.elsewhere)
                made = session.loaded.call(self.call.case.entrypoint, **self.call.arguments)
        except (Exception, SystemExit) as error:
            if guard is not None and not self.again:
                require_answered(guard, text)
            if self.again:
                failure = _describe_again(text, error)
            else:
                failure = _describe(text, error, guard.answered if guard else None)
            raise PrerequisiteError("C305", failure) from error
        if not self.again:
            require_answered(guard, text)
        return _Loaded(made, guard, states)


def load_pretrained(
    session: HubconfSession, call: BuildCall, untrained: Untrained | None
) -> Pretrained:
    """Load a model with its weights twice, from another working directory.

    Args:
        session: The hubconf.
        call: The call with weights.
        untrained: The model without weights; None if there is none.

    Raises:
        PrerequisiteError: That fails.
        UndeclaredError: It requests a file that is not on this machine.
    """
    if session.options.network == "allow":
        return _load_twice(_Load(session, call, session.folder / session.weights_home), untrained)
    with tempfile.TemporaryDirectory(prefix="weights-", dir=session.folder) as folder:
        return _load_twice(_Load(session, call, Path(folder)), untrained)


def _load_twice(load: _Load, untrained: Untrained | None) -> Pretrained:
    session, loaded = load.session, load.run()
    module = find_module(loaded.made)
    state = {} if module is None else module.state_dict()
    read = tuple(find_weights(loaded.guard.opened or ()))
    result = Pretrained(
        call=load.call.text,
        files=_describe_files(load, loaded.guard, read),
        urls=_find_urls(loaded.guard),
        outside=find_outside(read, session.root.resolve(), session.root, load.home),
        shapes=find_shapes(state),
        digests=fingerprints(state.items()),
        params=sum(one.numel() for one in module.parameters() if has_shape(one)) if module else 0,
        fit=None if module is None else loaded.states.fit(module),
        is_ignored=untrained is not None and _is_same_state(state, untrained.state()),
        output=_judge_output(loaded.made if module is None else module, untrained),
    )
    del loaded, module, state
    try:
        made = structs.replace(load, again=True).run().made
    except PrerequisiteError as error:
        return structs.replace(result, again=error.failure)
    module = find_module(made)
    digests = fingerprints(module.state_dict().items()) if module is not None else {}
    return structs.replace(result, again_digests=digests)


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


def _describe_files(load: _Load, guard: Guard, read: tuple[Path, ...]) -> dict[Path, WeightsFile]:
    """The files of a load: what answered requests, and what was read besides copies of these."""
    answered = tuple(guard.answered.values())
    named = () if answered else tuple(map(Path, guard.checkpoints.values()))
    own = find_outside(read)  # not those of installed packages
    others = (path for path in read if str(path) in own)
    copies = load.home if answered else None
    paths = (
        *answered,
        *named,
        *(one for one in others if not (copies and one.is_relative_to(copies))),
    )
    describe = load.session.store.describe
    return {
        path: WeightsFile(describe(path), digest_of(path), path.stat().st_size)
        for path in dict.fromkeys(paths)
        if path.is_file()
    }


def _find_urls(guard: Guard) -> dict[Path, str]:
    named = {Path(path): url for url, path in guard.checkpoints.items()}
    return named | {path: url for url, path in guard.answered.items()}


def _is_same_state(state: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two models from the same random numbers have the same state."""
    pairs = [(one, two) for (_, one), (_, two)
             in zip(find_tensors(state), find_tensors(other), strict=False)
             if has_shape(one) and has_shape(two)]  # fmt: skip
    return bool(pairs) and all(is_same(one, two) for one, two in pairs)


def _judge_output(runnable: Any, untrained: Untrained | None) -> str:  # noqa: ANN401
    """What is wrong with the output for the example input, if there is one."""
    before = [] if untrained is None else _numbers(untrained.output())
    if untrained is None or not before:
        return ""
    try:
        after = _numbers(untrained.run(runnable))
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        return f"fails on the example input: {type(error).__name__}: {error}"
    if not all(map(is_finite, after)) and all(map(is_finite, before)):
        return "has NaN or infinity in its output for the example input"
    if len(before) == len(after) and all(map(is_same, before, after)):
        return "has the same output with and without weights"
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


def _describe(
    call: str, error: BaseException, answered: Mapping[str, Path] | None = None
) -> Failure:
    """A failure with the fix for its kind.

    Args:
        call: The call as Python code.
        error: What it raised.
        answered: Requests that a file of this machine answered, by URL.
    """
    text = str(error)
    fix = "Check that the URL is right and that the names in the file match the model's."
    evidence: tuple[str, ...] = ()
    if isinstance(error, FileNotFoundError):
        fix = "Open files of the repo with Path(__file__).parent, and commit them."
    elif "CUDA device" in text:
        fix = 'Load with map_location="cpu"; the caller moves the model to a GPU.'
    elif "size mismatch" in text:
        fix = (
            "The weights are those of another version of the model. Publish new ones: hubkit weights "
            "add FILE, or restore what they were trained with."
        )
    elif "invalid hash value" in text:
        evidence = tuple(
            f"{path} has sha256 {digest_of(path)}" for path in (answered or {}).values()
        )
        fix = "Restore the file that the name belongs to, or publish this one: hubkit weights add FILE."
    return Failure(
        f"{call} fails: {type(error).__name__}: {cut_lines(text)}", evidence, fix, cause=error
    )


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


def read_back(state: dict[str, Any], *, copies: bool = True) -> dict[str, Any]:
    """A state dict, saved and loaded.

    Plain tensors are copied instead: torch writes them bit for bit, which takes long.

    Args:
        state: A state dict without unsafe entries.
        copies: Whether plain tensors are copied; otherwise they are the given ones.
    """
    import torch

    plain = {key: value for key, value in state.items() if _is_plain(value)}
    # A copy, since state dicts have attributes, such as the versions of their modules.
    written = copy.copy(state)
    written.update(dict.fromkeys(plain, torch.empty(0)))
    loaded: dict[str, Any] = torch.load(_save(written), weights_only=True, map_location="cpu")
    for key, value in plain.items():
        loaded[key] = value.detach().cpu().clone() if copies else value
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
