"""The child's side of `hubkit.runtime.probe`."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import convert

from hubkit.runtime.hubconf import import_hubconf
from hubkit.runtime.namespace import FOLDER, NO_BYTECODE, CodePolicy
from hubkit.runtime.probe import ProbeFailure, ProbeReply, ProbeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OWN_FILES = f"{Path(__file__).parents[1]}{os.sep}"


def main(message: object) -> ProbeReply:
    """Reply to a `ProbeRequest`."""
    request = convert(message, ProbeRequest)
    policy = CodePolicy(bytecode=NO_BYTECODE) if request.source_only else FOLDER
    try:
        hubconf = import_hubconf(Path(request.root), policy=policy)
        if request.task == "names":
            return ProbeReply(failure=None, names=hubconf.names())
        found = hubconf.entrypoint(request.name)
        return ProbeReply(failure=None, docstring=found.__doc__, signature=_signature(found))
    except BaseException as error:  # noqa: BLE001
        return ProbeReply(failure=_describe(error))


def _qualified_name(cls: type) -> str:
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _signature(found: Callable[..., object]) -> str:
    try:
        return str(inspect.signature(found))
    except (TypeError, ValueError):
        return "(...)"


def _describe(error: BaseException) -> ProbeFailure:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = ""
    summary = traceback.TracebackException.from_exception(error)
    for part in _chain(summary):
        part.stack[:] = [frame for frame in part.stack if not _is_own(frame.filename)]
    module = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    return ProbeFailure(_qualified_name(type(error)), message, "".join(summary.format()), module)


def _chain(summary: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while summary is not None:
        yield summary
        summary = summary.__cause__ or summary.__context__


def _is_own(path: str) -> bool:
    own = (contextlib.__file__, importlib.__file__)
    return path in own or path.startswith((_OWN_FILES, "<frozen"))
