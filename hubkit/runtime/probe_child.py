"""The child's side of `hubkit.runtime.probe`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import convert

from hubkit.runtime.hubconf import LoadedHubconf, import_hubconf, public_callables
from hubkit.runtime.policy import FOLDER, NO_BYTECODE, CodePolicy
from hubkit.runtime.probe import ChildRequest, ProbeFailure, ProbeReply
from hubkit.runtime.sandbox import guarded_network, isolate_network

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN_FILES = f"{Path(__file__).parents[1]}{os.sep}"


def main(message: object) -> ProbeReply:
    """Reply to a request.

    Args:
        message: A `ChildRequest`.
    """
    request = convert(message, ChildRequest)
    sys.path[:0] = request.path
    if request.isolated:
        # Before anything starts a second thread.
        isolate_network()
    reply: dict[str, Any] = {}
    failure: ProbeFailure | None = None
    connections: list[str] = []
    started = time.monotonic()
    try:
        with _guarded(request, connections):
            reply = _TASKS[request.task](request)
    except BaseException as error:  # noqa: BLE001
        failure = _describe(error)
    seconds = time.monotonic() - started
    return ProbeReply(failure=failure, seconds=seconds, connections=tuple(connections), **reply)


@contextlib.contextmanager
def _guarded(request: ChildRequest, connections: list[str]) -> Iterator[None]:
    """Guard the network where that is requested, and list what was tried."""
    if not request.offline:
        yield
        return
    root = Path(request.root)
    with guarded_network(root, "the repo's code", reason="this process is offline") as guard:
        try:
            yield
        finally:
            connections += [attempt.target for attempt in guard.attempts]


class _Plain:
    """A hubconf imported as torch.hub does: its folder in front of ``sys.path``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        sys.path.insert(0, str(root))
        spec = importlib.util.spec_from_file_location("hubconf.py", root / "hubconf.py")
        assert spec is not None  # noqa: S101
        assert spec.loader is not None  # noqa: S101
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def names(self) -> tuple[str, ...]:
        return public_callables(self.module)

    def entrypoint(self, name: str) -> object:
        return getattr(self.module, name)


def _names(request: ChildRequest) -> dict[str, Any]:
    return {"names": _import(request).names()}


def _help(request: ChildRequest) -> dict[str, Any]:
    return {"docstring": _import(request).entrypoint(request.name).__doc__}


def _load(request: ChildRequest) -> dict[str, Any]:
    root, name, kwargs = request.root, request.name, request.kwargs
    if request.engine == "torch":
        import torch

        made: object = torch.hub.load(  # type: ignore[no-untyped-call]
            root, name, source="local", **kwargs
        )
    else:
        made = import_hubconf(Path(root)).call(name, **kwargs)
    return {"type": _qualified_name(type(made)), "is_module": _is_torch_module(made)}


_TASKS = {"names": _names, "help": _help, "load": _load}


def _import(request: ChildRequest) -> _Plain | LoadedHubconf:
    root = Path(request.root)
    if request.engine == "torch":
        return _Plain(root)
    policy = CodePolicy(bytecode=NO_BYTECODE) if request.source_only else FOLDER
    return import_hubconf(root, policy=policy)


def _is_torch_module(made: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(made, torch.nn.Module)


def _qualified_name(cls: type) -> str:
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _describe(error: BaseException) -> ProbeFailure:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = ""
    summary = traceback.TracebackException.from_exception(error)
    for part in _chain(summary):
        part.stack[:] = [frame for frame in part.stack if not _is_own(frame.filename)]
    return ProbeFailure(
        type=_qualified_name(type(error)),
        message=message,
        traceback="".join(summary.format()),
        module=error.name if isinstance(error, ImportError) else None,
    )


def _chain(summary: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while summary is not None:
        yield summary
        summary = summary.__cause__ or summary.__context__


def _is_own(path: str) -> bool:
    own = (contextlib.__file__, importlib.__file__)
    return path in own or path.startswith((_OWN_FILES, "<frozen"))
