"""Run one function in a child process that replies with a typed message.

The child is a fresh interpreter that leads a process group of its own, has no standard input and
prints to files. Request and reply are JSON in files of their own, so nothing that the child prints
can be mistaken for a reply, and nothing that it starts can make the parent wait on a pipe. When the
child ends, everything that it started is killed. (Systems without ``os.waitid``, such as macOS with
Python before 3.13, keep what a child leaves behind when it ends by itself.)
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from msgspec import MsgspecError, Struct, convert, field, to_builtins

from hubkit import limits
from hubkit._util.atomic import write_file
from hubkit._util.parse import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_Reply = TypeVar("_Reply")
_LONGEST_DELAY = 0.05  # seconds between two looks at whether the child has ended
_SHOWN_LINES = 10
_BOOT = """\
import sys
if sys.path[0] == "": del sys.path[0]
sys.path.append(sys.argv[1])
from hubkit._util.process import serve
serve(*sys.argv[2:])
"""


class ChildError(Exception):
    """A child process ended without a valid reply. Callers convert it to an error of their own.

    Attributes:
        reason: The cause, as a clause: "crashed with SIGSEGV".
        output: The last lines that it printed.
    """

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.output = output


class ChildReplyError(ChildError):
    """The reply is not the expected message."""


class ChildTimeoutError(ChildError):
    """The child took too long."""


class ChildMemoryError(ChildError):
    """The child needed too much memory."""


class ChildDiskError(ChildError):
    """The child wrote too much."""


class Call(Struct, frozen=True):
    """A function to run in a child process.

    Attributes:
        function: ``module:name``. It takes the request as plain values, as `msgspec.convert` reads
            them, and returns the reply.
        request: Its argument.
        env: Environment variables to add or, when None, to remove.
        timeout: Seconds to wait.
        interpreter: The command for Python; ``sys.executable`` by default.
    """

    function: str
    request: Struct
    env: Mapping[str, str | None] = field(default_factory=dict)
    timeout: float = 300.0
    interpreter: Sequence[str] = ()


class Completed(Struct, Generic[_Reply], frozen=True):
    """The result of a child process.

    Attributes:
        reply: The message.
        stdout: Its output; at most the last 64 KiB.
        stderr: The same for standard error.
    """

    reply: _Reply
    stdout: str
    stderr: str


def run_child(
    call: Call,
    reply: type[_Reply],
    meanwhile: Callable[[], object] = lambda: None,
    on_progress: Callable[[str], object] = lambda _: None,
) -> Completed[_Reply]:
    """Run a function in a fresh interpreter, in a new empty folder.

    Args:
        call: The function and its request.
        reply: The type of the reply.
        meanwhile: Called once after the child has started.
        on_progress: Called with what the child reports by `report_progress`, now and then.

    Raises:
        ChildError: The child crashed, exited or took too long.
        ChildReplyError: The reply cannot be read.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hubkit-child-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        status = _run(call, folder, meanwhile, on_progress)
        stdout, stderr = (_read_tail(folder / stream) for stream in ("stdout", "stderr"))
        try:
            data = read_json(folder / "reply.json", limits.REPLY_BYTES)
            return Completed(convert(data, reply), stdout, stderr)
        except FileNotFoundError:
            output = last_lines(stderr if stderr.strip() else stdout)
            kind = ChildTimeoutError if status is None else ChildError
            raise kind(describe_status(status, call.timeout), output) from None
        except (OSError, ValueError, MsgspecError) as error:
            raise ChildReplyError(f"{type(error).__name__}: {error}") from error


def serve(function: str, request: str, reply: str) -> NoReturn:
    """Run a function in the child, write its reply and end the process at once.

    Threads and exit handlers that foreign code has left behind must not keep it alive.

    Args:
        function: As in `Call`.
        request: File that contains the request.
        reply: File to write, which appears whole or not at all.
    """
    import json

    global _progress  # noqa: PLW0603 - a child serves one call
    _progress = Path(reply).with_name(_PROGRESS)
    message = json.loads(Path(request).read_text("utf-8"))
    sys.argv = [""]
    module, _, name = function.partition(":")
    answer: Any = getattr(importlib.import_module(module), name)(message)
    write_file(Path(reply), json.dumps(to_builtins(answer)))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


_PROGRESS = "progress"
_progress: Path | None = None


def report_progress(what: str) -> None:
    """Say in the child what it does now.

    Args:
        what: A name.
    """
    if _progress is not None:
        write_file(_progress, what)


def _read_progress(folder: Path) -> str:
    try:
        return (folder / _PROGRESS).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a group of its own, and everything that it started.

    Does nothing after the process was waited for: another process may have its id by then.
    """
    if process.returncode is not None:
        return
    if os.name == "nt":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _run(
    call: Call,
    folder: Path,
    meanwhile: Callable[[], object],
    on_progress: Callable[[str], object],
) -> int | None:
    """Run the child; its exit status, or None if it took too long."""
    import json

    request, cwd = folder / "request.json", folder / "cwd"
    write_file(request, json.dumps(to_builtins(call.request)))
    cwd.mkdir()
    home = str(Path(__file__).parents[2])
    command = [*(call.interpreter or (sys.executable,)), "-c", _BOOT, home, call.function]
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [*command, str(request), str(folder / "reply.json")],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env=child_environment(call.env),
            start_new_session=True,
        )
        try:
            meanwhile()
            ended = _wait(child, call.timeout, lambda: on_progress(_read_progress(folder)))
        finally:
            kill_group(child)
            child.wait()
    return child.returncode if ended else None


def run_command(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    timeout: float,
    look: Callable[[int], object] = lambda _: None,
    at_end: Callable[[int], object] = lambda _: None,
) -> tuple[int | None, str]:
    """Run a command that leads a process group of its own; kill the group at the end.

    Args:
        command: The command.
        folder: Its working directory.
        env: All of its environment variables.
        timeout: Seconds to wait.
        look: Called now and then with its process id. What it raises ends the command.
        at_end: Called when it has ended, while its id is still its own (with `os.waitid`).

    Returns:
        Its exit status, None if it took too long, and the end of what it printed.
    """
    import tempfile

    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603 - callers choose it
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(env),
            start_new_session=True,
        )
        try:
            ended = _wait(child, timeout, lambda: look(child.pid))
            at_end(child.pid)
        finally:
            kill_group(child)
            child.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - limits.OUTPUT_BYTES.most))
        text = output.read().decode(errors="replace")
    return child.returncode if ended else None, text


def _wait(child: subprocess.Popen[bytes], timeout: float, look: Callable[[], object]) -> bool:
    """Whether a child ends in time. If possible it stays a zombie, so that its id is not reused."""
    if not hasattr(os, "waitid"):
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True
    last, delay = time.monotonic() + timeout, 0.0005
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > last:
            return False
        look()
        delay = min(2 * delay, _LONGEST_DELAY)
        time.sleep(delay)
    return True


def child_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """The environment of this process with changes.

    Args:
        changes: Variables to add or, when None, to remove.
    """
    merged: dict[str, str | None] = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _read_tail(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - limits.OUTPUT_BYTES.most))
        return stream.read().decode(errors="replace")


def last_lines(text: str) -> str:
    """The last lines of what a child printed."""
    return "\n".join(text.strip().splitlines()[-_SHOWN_LINES:])


def describe_status(status: int | None, timeout: float) -> str:
    """How a child ended, as a clause.

    Args:
        status: Its exit status; None if it took too long.
        timeout: The seconds that it had.
    """
    if status is None:
        return f"took longer than {timeout:g} seconds and was stopped"
    if status < 0:
        return f"crashed with {_signal_name(-status)}"
    return f"exited with status {status}"


def _signal_name(number: int) -> str:
    """A signal's name, or the number of a real-time signal, which Python has no name for."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
