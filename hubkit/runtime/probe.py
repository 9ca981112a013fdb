"""Run a repo's code in a child process, for what must not happen here.

Repo code may print, exit, crash, hang or change the process. The child is a fresh interpreter
with no standard input; what the code prints goes to files, its answer to another, so neither can
be taken for the other and nothing that it starts can keep us waiting on a pipe.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.parse import read_json
from hubkit.errors import EntrypointNotFoundError, ProbeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Task = Literal["names", "help", "load", "call"]
Engine = Literal["hubkit", "torch"]

_NOT_FOUND = f"{EntrypointNotFoundError.__module__}.{EntrypointNotFoundError.__qualname__}"
_BOOT = """\
import sys
if sys.path[0] == "": del sys.path[0]
sys.path.append(sys.argv[1])
from hubkit.runtime.probe_child import main
main(sys.argv[2], sys.argv[3])
"""


class ProbeRequest(Struct, frozen=True):
    """What to run in a child process.

    Attributes:
        root: The folder that holds ``hubconf.py``.
        task: "names" lists what ``torch.hub.list`` would, "help" reads a docstring, "load" calls an
            entrypoint, "call" calls any function that can be imported.
        name: The entrypoint, for "help" and "load"; ``module:function`` for "call".
        kwargs: Keyword arguments for "load" and "call"; what JSON can hold.
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


class ProbeReply(Struct, frozen=True):
    """What came of it.

    Attributes:
        names: For "names": public callables of the hubconf, sorted.
        docstring: For "help".
        type: For "load": qualified name of the class of what was returned.
        is_module: For "load": whether that is a ``torch.nn.Module``.
        value: For "call": what the function gave, if JSON can hold it.
        failure: What the code raised, or None; ``SystemExit`` counts.
        connections: With ``offline``: the URL, or "host:port", of each attempt to connect.
        stdout: What was printed; at most the last 64 KiB.
        stderr: The same for standard error.
        seconds: How long the import and the call took.
    """

    names: tuple[str, ...] = ()
    docstring: str | None = None
    type: str = ""
    is_module: bool = False
    value: Any = None
    failure: ProbeFailure | None = None
    connections: tuple[str, ...] = ()
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0


def run_in_child(
    request: ProbeRequest, meanwhile: Callable[[], object] = lambda: None
) -> ProbeReply:
    """Run a repo's code in a fresh interpreter.

    Args:
        request: What to run.
        meanwhile: Called once that has begun.

    Raises:
        ProbeError: The child ended without an answer: it crashed, exited or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="hubkit-probe-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        (folder / "cwd").mkdir()
        status = _run(request, folder, meanwhile)
        stdout, stderr = (_read_tail(folder / name) for name in ("stdout", "stderr"))
        answer = _read_answer(folder / "answer.json", request)
        if answer is None:
            raise ProbeError(
                f"The code of {request.root} {_describe(status, request)} before it was done.",
                hint=f"The last that it said:\n{_last_lines(stderr or stdout)}"
                if (stderr or stdout).strip()
                else "",
            )
    try:
        return _make_reply(answer, stdout, stderr)
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(request, error) from error


def _make_reply(answer: dict[str, Any], stdout: str, stderr: str) -> ProbeReply:
    failure = answer["failure"]
    return ProbeReply(
        names=tuple(answer.get("names", ())),
        docstring=answer.get("docstring"),
        type=answer.get("type", ""),
        is_module=answer.get("is_module", False),
        value=answer.get("value"),
        failure=ProbeFailure(**failure) if failure else None,
        connections=tuple(answer["connections"]),
        stdout=stdout,
        stderr=stderr,
        seconds=answer["seconds"],
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


def _run(request: ProbeRequest, folder: Path, meanwhile: Callable[[], object]) -> int | None:
    """Run the child; its exit status, or None when it took too long."""
    question = folder / "question.json"
    question.write_text(json.dumps(_to_json(request)), "utf-8")
    package_home = str(Path(__file__).parents[2])
    command = [
        request.python or sys.executable,
        "-c",
        _BOOT,
        package_home,
        str(question),
        str(folder / "answer.json"),
    ]
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=request.cwd or folder / "cwd",
            env=_environment(request),
            start_new_session=True,
        )
        try:
            meanwhile()
            return child.wait(request.timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and all that it started."""
    if sys.platform == "win32":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _to_json(request: ProbeRequest) -> dict[str, object]:
    return {
        "root": str(request.root.resolve()),
        "task": request.task,
        "name": request.name,
        "kwargs": dict(request.kwargs),
        "engine": request.engine,
        "path": list(request.path),
        "source_only": request.source_only,
        "offline": request.offline,
        "isolated": request.isolated or request.offline,
    }


def _environment(request: ProbeRequest) -> dict[str, str]:
    merged: dict[str, str | None] = {**os.environ, **request.env}
    return {name: value for name, value in merged.items() if value is not None}


def _read_answer(path: Path, request: ProbeRequest) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = read_json(path, limits.REPLY_BYTES)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _unreadable(request, error) from error
    return answer


def _unreadable(request: ProbeRequest, error: Exception) -> ProbeError:
    return ProbeError(
        f"The child process that ran the code of {request.root} left an answer that cannot be "
        f"read: {type(error).__name__}: {error}",
        hint="The code may write to files of the process, or end it: run it by itself.",
    )


def _read_tail(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - limits.OUTPUT_BYTES.most))
        return stream.read().decode(errors="replace")


def _describe(status: int | None, request: ProbeRequest) -> str:
    if status is None:
        return f"took longer than {request.timeout:g} seconds and was stopped"
    if status < 0:
        return f"crashed with {_signal_name(-status)}"
    return f"ended its process with status {status}"


def _signal_name(number: int) -> str:
    """A signal's name; of a real-time one, which Python has no name for, its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-10:])
