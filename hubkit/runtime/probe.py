"""Run a repo's code in a child process.

Repo code may print, exit, crash, hang or change the process; `hubkit._util.process` runs the child.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field, structs

from hubkit._util.process import Call, ChildError, ChildReplyError, run_child
from hubkit.errors import EntrypointNotFoundError, ProbeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Task = Literal["names", "help", "load"]
Engine = Literal["hubkit", "torch"]

_NOT_FOUND = f"{EntrypointNotFoundError.__module__}.{EntrypointNotFoundError.__qualname__}"


class ProbeRequest(Struct, frozen=True):
    """What to run in a child process.

    Attributes:
        root: The folder that holds ``hubconf.py``.
        task: "names" lists what ``torch.hub.list`` would, "help" reads a docstring, "load" calls an
            entrypoint.
        name: The entrypoint, for "help" and "load".
        kwargs: Keyword arguments for "load"; what JSON can hold.
        engine: "hubkit" imports into a private namespace, "torch" does as ``torch.hub`` does, the
            root on ``sys.path``.
        cwd: Folder to run in; a new empty one by default.
        env: Environment variables to add or, when None, to remove.
        path: Folders to put in front of ``sys.path``.
        source_only: Run no bytecode that lies in the folder; for "hubkit" only.
        offline: Deny and report every attempt to reach the network; implies ``isolated``.
        isolated: Take the network from the process and from all that it starts, where the system
            allows it.
        timeout: Seconds to wait.
        python: The interpreter; this one by default.
    """

    root: Path
    task: Task = "names"
    name: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    engine: Engine = "hubkit"
    cwd: Path | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    source_only: bool = False
    offline: bool = False
    isolated: bool = False
    timeout: float = 300.0
    python: str = ""


class ProbeFailure(Struct, frozen=True):
    """What a repo's code raised.

    Attributes:
        type: Qualified name of the exception's class, such as "ModuleNotFoundError".
        message: Its text.
        traceback: Its traceback, without the probe's own frames.
        module: The module that an import error names, else None.
    """

    type: str
    message: str
    traceback: str
    module: str | None = None


class ChildRequest(Struct, frozen=True):
    """The part of a `ProbeRequest` that the child gets."""

    root: str
    task: Task
    name: str
    kwargs: dict[str, Any]
    engine: Engine
    path: tuple[str, ...]
    source_only: bool
    offline: bool
    isolated: bool


class ProbeReply(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        failure: What the code raised, or None; ``SystemExit`` counts.
        seconds: How long the import and the call took.
        names: For "names": public callables of the hubconf, sorted.
        docstring: For "help".
        type: For "load": qualified name of the class of what was returned.
        is_module: For "load": whether that is a ``torch.nn.Module``.
        connections: With ``offline``: the URL, or "host:port", of each attempt to connect.
        stdout: What was printed; at most the last 64 KiB.
        stderr: The same for standard error.
    """

    failure: ProbeFailure | None
    seconds: float
    names: tuple[str, ...] = ()
    docstring: str | None = None
    type: str = ""
    is_module: bool = False
    connections: tuple[str, ...] = ()
    stdout: str = ""
    stderr: str = ""


def run_in_child(
    request: ProbeRequest, meanwhile: Callable[[], object] = lambda: None
) -> ProbeReply:
    """Run a repo's code in a fresh interpreter.

    Args:
        request: What to run.
        meanwhile: Called once that has begun.

    Raises:
        ProbeError: The child ended without a reply: it crashed, exited or took too long.
    """
    call = Call(
        "hubkit.runtime.probe_child:main",
        _for_child(request),
        request.cwd,
        request.env,
        request.timeout,
        request.python,
    )
    try:
        done = run_child(call, ProbeReply, meanwhile)
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
    return structs.replace(done.reply, stdout=done.stdout, stderr=done.stderr)


def _for_child(request: ProbeRequest) -> ChildRequest:
    return ChildRequest(
        str(request.root.resolve()),
        request.task,
        request.name,
        dict(request.kwargs),
        request.engine,
        request.path,
        request.source_only,
        request.offline,
        request.isolated or request.offline,
    )


def list_names(root: Path, *, source_only: bool = False, timeout: float = 300.0) -> tuple[str, ...]:
    """The names that ``torch.hub.list`` shows for a hubconf that makes them at run time.

    Args:
        root: The folder that holds ``hubconf.py``.
        source_only: Run no bytecode that lies in the folder.
        timeout: Seconds to wait.

    Raises:
        ProbeError: The repo's code failed, crashed or took too long.
    """
    return _ask(ProbeRequest(root, "names", source_only=source_only, timeout=timeout)).names


def read_help(
    root: Path, name: str, *, source_only: bool = False, timeout: float = 300.0
) -> str | None:
    """The docstring of an entrypoint whose source does not tell it.

    Args:
        root: The folder that holds ``hubconf.py``.
        name: The entrypoint.
        source_only: Run no bytecode that lies in the folder.
        timeout: Seconds to wait.

    Raises:
        EntrypointNotFoundError: There is none of that name.
        ProbeError: The repo's code failed, crashed or took too long.
    """
    request = ProbeRequest(root, "help", name, source_only=source_only, timeout=timeout)
    return _ask(request).docstring


def _ask(request: ProbeRequest) -> ProbeReply:
    reply = run_in_child(request)
    failure = reply.failure
    if failure is None:
        return reply
    if failure.type == _NOT_FOUND:
        message, _, hint = failure.message.partition("\n")
        raise EntrypointNotFoundError(message, entrypoint=request.name, hint=hint)
    raise ProbeError(
        f"The code of {request.root} raised {failure.type}: {failure.message}",
        hint=failure.traceback,
    )
