"""Fresh interpreters in which slow modules are imported already: forks of one process.

A `Nursery` is a child process that imports modules once, and nothing else. `Nursery.interpreter` is a
command in the place of ``sys.executable``: what it runs starts as a fork of the nursery, with the
working directory, environment and streams that the command was given. The command waits for the fork,
ends as it does, and takes it and all that it has started along if it is killed.
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
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

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
try:
    server.connect(address)
except OSError:
    os.execv(sys.executable, [sys.executable, *command])
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
server.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
request = marshal.dumps([os.getcwd(), dict(os.environ), command])
message = memoryview(len(request).to_bytes(8, "big") + request)
while message:
    message = message[server.send(message):]
reply = server.recv(4, _socket.MSG_WAITALL)
status = int.from_bytes(reply, "big", signed=True) if reply else 1
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
"""


_PATIENCE = 10  # seconds


class Nursery:
    """A process that has imported modules, and forks.

    Args:
        modules: The modules; those that cannot be imported are left out.
        env: All environment variables of the process.
    """

    def __init__(self, modules: Sequence[str], env: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hubkit-", ignore_cleanup_errors=True)
        address = str(Path(self._folder.name, "forks"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(16)
            home, number = str(Path(__file__).parents[2]), listener.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", _BOOT, home, "hubkit", str(number), *modules],
                # It ends when this pipe does, with this process at the latest.
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._folder.name,
                env=dict(env),
                pass_fds=[number],
                start_new_session=True,
            )
        self.interpreter = (sys.executable, "-IS", "-c", _INTERPRETER, address)

    @staticmethod
    def is_possible() -> bool:
        """Whether processes can be forked safely here, and waited for."""
        return sys.platform == "linux" and hasattr(os, "pidfd_open")

    def close(self) -> None:
        """End it, once what it runs has ended; after some seconds in any case."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


def serve(listener: str, *modules: str) -> NoReturn:
    """Import modules, then fork for each connection until the parent ends.

    Args:
        listener: Number of the descriptor of a listening socket.
        modules: The modules.
    """
    path = ["", *sys.path]
    with socket.socket(fileno=int(listener)) as server:
        for name in modules:
            with contextlib.suppress(BaseException):
                import_late(name)
        gc.collect()
        gc.freeze()
        while server.fileno() in select.select([server.fileno(), 0], [], [])[0]:
            connection, _ = server.accept()
            if not os.fork():
                server.close()
                _keep(connection, path)
            connection.close()
            _reap(os.WNOHANG)
    # So that their time counts as that of this process.
    _reap(0)
    os._exit(0)


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
