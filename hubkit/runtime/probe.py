"""Run a hubconf in a child process, to list its names or read a docstring.

Repo code may print, exit, crash, hang or change the process; `hubkit._util.process` runs the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit._util.process import Call, ChildError, ChildReplyError, run_child
from hubkit.errors import EntrypointNotFoundError, ProbeError

if TYPE_CHECKING:
    from pathlib import Path

_NOT_FOUND = f"{EntrypointNotFoundError.__module__}.{EntrypointNotFoundError.__qualname__}"


class ProbeRequest(Struct, frozen=True):
    """What to read from a hubconf.

    Attributes:
        root: The folder that contains ``hubconf.py``.
        task: "names" lists what ``torch.hub.list`` would, "help" reads a docstring.
        name: The entrypoint, for "help".
        source_only: Ignore bytecode in the folder.
    """

    root: str
    task: Literal["names", "help"]
    name: str = ""
    source_only: bool = False


class ProbeFailure(Struct, frozen=True):
    """An exception of the repo's code.

    Attributes:
        type: Qualified name of the exception's class, such as "ModuleNotFoundError".
        message: Its text.
        traceback: Its traceback, without the probe's own frames.
        module: The module that an import did not find, or "".
    """

    type: str
    message: str
    traceback: str
    module: str = ""


class ProbeReply(Struct, frozen=True, kw_only=True):
    """The result of a request.

    Attributes:
        failure: What the code raised, or None; ``SystemExit`` counts.
        names: For "names": public callables of the hubconf, sorted.
        docstring: For "help".
        signature: For "help": its parameters in parentheses; "(...)" if unknown.
    """

    failure: ProbeFailure | None
    names: tuple[str, ...] = ()
    docstring: str | None = None
    signature: str = "(...)"


def list_names(root: Path, *, source_only: bool = False, timeout: float = 300.0) -> tuple[str, ...]:
    """The names that ``torch.hub.list`` shows for a hubconf that makes them at run time.

    Args:
        root: The folder that contains ``hubconf.py``.
        source_only: Ignore bytecode in the folder.
        timeout: Seconds to wait.

    Raises:
        ProbeError: The repo's code failed, crashed or took too long.
    """
    request = ProbeRequest(str(root.resolve()), "names", source_only=source_only)
    return _run(request, timeout).names


def read_help(root: Path, name: str, *, source_only: bool = False) -> str | None:
    """The docstring of an entrypoint, if the source does not show it.

    Args:
        root: The folder that contains ``hubconf.py``.
        name: The entrypoint.
        source_only: Ignore bytecode in the folder.

    Raises:
        EntrypointNotFoundError: The hubconf has no such entrypoint.
        ProbeError: The repo's code failed, crashed or took too long.
    """
    return probe_entrypoint(root, name, source_only=source_only).docstring


def probe_entrypoint(root: Path, name: str, *, source_only: bool = False) -> ProbeReply:
    """The docstring and the signature of an entrypoint, if the source does not show them.

    Raises:
        EntrypointNotFoundError: The hubconf has no such entrypoint.
        ProbeError: The repo's code failed, crashed or took too long.
    """
    return _run(ProbeRequest(str(root.resolve()), "help", name, source_only))


def _run(request: ProbeRequest, timeout: float = 300.0) -> ProbeReply:
    call = Call("hubkit.runtime.probe_child:main", request, timeout=timeout)
    try:
        reply = run_child(call, ProbeReply).reply
    except ChildReplyError as error:
        raise ProbeError(
            f"The child process that ran the code of {request.root} returned an "
            f"invalid result: {error.reason}",
            hint="The code may end its process, or write to files that it does not own. Run it by itself.",
        ) from error
    except ChildError as error:
        raise ProbeError(
            f"The code of {request.root} {error.reason} before it finished.",
            hint=error.output and f"The last lines of its output:\n{error.output}",
        ) from error
    failure = reply.failure
    if failure is None:
        return reply
    if failure.type == _NOT_FOUND:
        message, _, hint = failure.message.partition("\n")
        raise EntrypointNotFoundError(message, entrypoint=request.name, hint=hint)
    raise ProbeError(
        f"The code of {request.root} raised {failure.type}: {failure.message}",
        missing=(failure.module,) if failure.module else (),
        hint=failure.traceback,
    )
