"""Fresh interpreters in which slow modules are imported already: forks of one process.

A `Nursery` is a child process that imports modules once, and nothing else; or a fork of this process
that was made plain again, so that torch is imported only once.
`Nursery.interpreter` is a command in the place of ``sys.executable``: what it runs starts as a fork of
the nursery, with the working directory, environment and streams that the command was given. The
command waits for the fork, ends as it does, and takes it and all that it has started along if it is
killed.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from hubkit._util.plain import (
    AddedFilters,
    Plainness,
    become_plain,
    can_forget,
    find_traces,
    look_at_fresh,
)
from hubkit.lazy import import_late

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOOT = """\
import sys
if sys.path[0] == "": del sys.path[0]
sys.path.append(sys.argv[1])
from hubkit._util.forks import serve
serve(*sys.argv[3:])
"""
# Without a nursery, which foreign code may have ended, it becomes the interpreter itself.
_INTERPRETER = """\
import _socket, marshal, os, sys
address, *command = sys.argv[1:]
server = _socket.socket(_socket.AF_UNIX)
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
request = marshal.dumps([os.getcwd(), dict(os.environ), command])
message = memoryview(len(request).to_bytes(8, "big") + request)
try:
    server.connect(address)
    server.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    while message:
        message = message[server.send(message):]
    has_started = bool(server.recv(1))
except OSError:
    has_started = False
if not has_started:
    os.execv(sys.executable, [sys.executable, *command])
reply = server.recv(4, _socket.MSG_WAITALL)
status = int.from_bytes(reply, "big", signed=True) if reply else 1
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
"""


_PATIENCE = 10  # seconds
_HOME = str(Path(__file__).parents[2])
# What a nursery imports of hubkit, and what that is made of.
_OWN = ("hubkit", "pytest_hubkit", "msgspec")


class Nursery:
    """A process that has imported modules, and forks.

    Args:
        modules: Their names; modules that cannot be imported are skipped.
        env: All environment variables of the process.
        share: Whether to import the modules in this process and fork it, if that is possible.
    """

    def __init__(
        self, modules: Sequence[str], env: Mapping[str, str], *, share: bool = False
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hubkit-", ignore_cleanup_errors=True)
        address = str(Path(self._folder.name, "forks"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(16)
            plainness = _import_here(modules, env) if share else None
            if plainness is None:
                self._process: subprocess.Popen[bytes] | _Fork = self._start(listener, modules, env)
            else:
                self._process = _Fork(listener, plainness)
        self.interpreter = (sys.executable, "-IS", "-c", _INTERPRETER, address)

    def _start(
        self, listener: socket.socket, modules: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _BOOT, _HOME, "hubkit", *modules],
            stdin=listener.fileno(),
            # It ends when this pipe does, with this process at the latest.
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=dict(env),
            start_new_session=True,
        )

    @staticmethod
    def is_possible() -> bool:
        """Whether processes can be forked safely here, and waited for."""
        return sys.platform == "linux" and hasattr(os, "pidfd_open")

    def close(self) -> None:
        """End it, once what it runs has ended; after some seconds in any case."""
        if self._process.stdout is not None:
            self._process.stdout.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


def _import_here(modules: Sequence[str], env: Mapping[str, str]) -> Plainness | None:
    """Import modules in this process; None if it cannot be forked, and nothing was imported."""
    try:
        fresh = look_at_fresh(env)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    traces = find_traces(fresh, _OWN)
    if not can_forget(traces):
        return None
    with AddedFilters() as added:
        _import_all(modules)
    return Plainness(fresh, traces, added.filters)


class _Fork:
    """A fork of this process that serves forks, with what `Nursery` needs of `subprocess.Popen`.

    Args:
        listener: Where it is asked for forks.
        plainness: The state that it should be in.
    """

    def __init__(self, listener: socket.socket, plainness: Plainness) -> None:
        # It ends when this pipe does, with this process at the latest.
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            # Threads of progress, xdist and linear algebra hold no lock that the fork needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            try:
                nothing = os.open(os.devnull, os.O_RDWR)
                for number, opened in enumerate((listener.fileno(), writing, nothing)):
                    os.dup2(opened, number)
                os.setsid()
                become_plain(plainness)
                sys.path.append(_HOME)
                serve()
            finally:
                os._exit(1)
        os.close(writing)
        self.stdout = open(reading, "rb")  # noqa: PTH123, SIM115 - the end of a pipe
        self._ended = os.pidfd_open(self.pid)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it has ended.

        Args:
            timeout: Seconds.

        Raises:
            subprocess.TimeoutExpired: It has not.
        """
        if not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a fork", timeout or 0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self._ended)

    def kill(self) -> None:
        """Kill it."""
        signal.pidfd_send_signal(self._ended, signal.SIGKILL)


def serve(*modules: str) -> NoReturn:
    """Import modules, then fork for each connection to standard input until the parent ends.

    Args:
        modules: The modules.
    """
    path = ["", *sys.path]
    # Standard output is only there to see whether the parent is.
    parent, waiting = os.dup(1), select.poll()
    os.dup2(2, 1)
    with socket.socket(fileno=os.dup(0)) as server:
        _import_all(modules)
        gc.freeze()
        waiting.register(server, select.POLLIN)
        waiting.register(parent, 0)
        while [one for one, _ in waiting.poll()] == [server.fileno()]:
            connection, _ = server.accept()
            if not os.fork():
                server.close()
                os.close(parent)
                _keep(connection, path)
            connection.close()
            _reap(os.WNOHANG)
    # So that their time counts as that of this process.
    _reap(0)
    os._exit(0)


def _import_all(modules: Sequence[str]) -> None:
    for name in modules:
        with contextlib.suppress(BaseException):
            import_late(name)


def _reap(options: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _keep(connection: socket.socket, path: list[str]) -> NoReturn:
    """Fork what was asked for, wait for it, and end all of it when the interpreter ends."""
    _, streams, *_ = socket.recv_fds(connection, 1, 3)
    size = int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "big")
    cwd, env, command = marshal.loads(connection.recv(size, socket.MSG_WAITALL))  # noqa: S302 - ours
    child = os.fork()
    if not child:
        connection.close()
        os.setsid()
        _become(streams, cwd, env, command, path)
    for opened in (0, *streams):
        os.close(opened)
    with contextlib.suppress(OSError):
        connection.sendall(b"+")
    ended = os.pidfd_open(child)
    ready, *_ = select.select([ended, connection.fileno()], [], [])
    # Not reaped yet, so that no other group has its number.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended in ready:
        with contextlib.suppress(OSError):
            connection.sendall(status.to_bytes(4, "big", signed=True))
    os._exit(0)


def _become(
    streams: list[int], cwd: str, env: dict[str, str], command: list[str], path: list[str]
) -> NoReturn:
    """Turn this process into a Python that was started with ``-c``."""
    for number, opened in enumerate(streams):
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    os.chdir(cwd)
    sys.path[:] = path
    _, code, *arguments = command
    sys.argv = ["-c", *arguments]
    status = run_main(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def run_main(code: str) -> int:
    """Run code as the main module; returns the exit status that the interpreter would have.

    Args:
        code: Python code.
    """
    main = sys.modules["__main__"] = ModuleType("__main__")
    try:
        exec(compile(code, "<string>", "exec"), vars(main))  # noqa: S102 - what a command was given
    except SystemExit as end:
        return _exit_status(end.code)
    except BaseException as error:  # noqa: BLE001 - as the interpreter does
        traceback.print_exception(
            error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        )
        return 1
    return 0


def _exit_status(code: Any) -> int:  # noqa: ANN401
    if code is None or isinstance(code, int):
        return int(code or 0)
    sys.stderr.write(f"{code}\n")
    return 1
