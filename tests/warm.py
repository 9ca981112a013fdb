"""Fresh Python processes in which torch is imported already: each is a fork of one server.

`run_python` stands for ``subprocess.run([sys.executable, ...])``, and `warm_interpreter` for
``sys.executable`` itself, so that children which hubkit starts are forks too. The server imports
what takes seconds and belongs to others; hubkit is imported anew in each process. Where the point
of a test is what happens before or without ``import torch``, use `subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import multiprocessing.spawn
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

ROOT = Path(__file__).parent.parent
# The server outlives the test that starts it, whose variables are its own.
ENVIRONMENT = dict(os.environ)
PRELOADED = ("pytest", "_pytest.pytester", "requests")
PYTHON = sys.executable
# An interpreter that lets a fork of a warm one run a function of hubkit, a process of
# multiprocessing or a worker of pytest-xdist, and dies with it.
INTERPRETER = """#!{python} -IS
import json, os, signal, socket, sys
command = sys.argv[1:]
while command[0] in ("-B", "-u"):
    del command[0]
is_spawned = command[1:2] and command[1].startswith("from multiprocessing.spawn import ")
is_worker = command[1:] == ["import sys;exec(eval(sys.stdin.readline()))"]
is_hubkits = "hubkit" in " ".join(command[2:4])
if command[0] != "-c" or not (is_spawned or is_worker or is_hubkits):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
open_files = [0, 1, 2]
if is_spawned:
    open_files += [int(one) for one in os.listdir("/proc/self/fd") if int(one) > 2]
    open_files = [one for one in open_files if os.path.exists(f"/proc/self/fd/{{one}}")]
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"."], open_files)
    python = sys.argv[0] if is_worker else {python!r}
    request = [python, open_files, os.getcwd(), dict(os.environ), command]
    server.sendall(json.dumps(request).encode() + b"\\n")
    status = int(server.makefile().readline() or 1)
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
"""


def run_python(
    *command: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = False,
    warm_children: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run Python without standard input and return what it prints.

    Args:
        command: ``-c CODE ARGUMENT...`` or ``-m MODULE ARGUMENT...``.
        cwd: The folder to run in; the current one by default.
        env: All environment variables; the current ones by default.
        check: Whether to fail unless it exits with 0.
        warm_children: Whether `warm_interpreter` runs what it starts in children.
    """
    environment = dict(os.environ if env is None else env)
    if sys.platform == "win32":
        return subprocess.run(
            [PYTHON, *command],
            cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=check, capture_output=True, text=True,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        streams = Path(name, "stdout"), Path(name, "stderr")
        interpreter = warm_interpreter() if warm_children else PYTHON
        request = [interpreter, *map(str, streams), str(cwd or Path.cwd()), environment, command]
        status = _server().ask(request)
        stdout, stderr = (path.read_text("utf-8", "replace") for path in streams)
    done = subprocess.CompletedProcess(command, status, stdout, stderr)
    if check:
        assert status == 0, f"{stdout}\n{stderr}"
    return done


def warm_interpreter() -> str:
    """What to put in the place of ``sys.executable`` for children that import torch."""
    return _server().interpreter if hasattr(os, "pidfd_open") else PYTHON


def warm_children(patch: pytest.MonkeyPatch) -> None:
    """Let `warm_interpreter` run what hubkit, running in this process, starts in children."""
    _start_children_with(warm_interpreter(), patch.setattr)


def _start_children_with(interpreter: str, assign: Callable[[object, str, object], object]) -> None:
    assign(sys, "executable", interpreter)
    assign(multiprocessing.spawn, "_python_exe", os.fsencode(interpreter))


class _Server:
    """A process that has imported much, and forks on request."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        # It ends when its standard input does, with this process at the latest.
        self._process = subprocess.Popen(
            [PYTHON, "-m", "tests.warm"],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        assert self._process.stdout
        self.interpreter = self._process.stdout.readline().strip()
        atexit.register(self._close)

    def ask(self, request: object) -> int:
        """Run a command; returns its exit status as `subprocess` has it."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def _close(self) -> None:
        with self._process as process:
            process.stdin.close()  # type: ignore[union-attr]


@functools.cache
def _server() -> _Server:
    return _Server()


def _serve() -> None:
    """Fork for each request."""
    with contextlib.suppress(ImportError):  # where there is no torch
        importlib.import_module("torch.hub")
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    interpreter, address = folder / "python", str(folder / "address")
    interpreter.write_text(INTERPRETER.format(python=PYTHON, address=address), "utf-8")
    interpreter.chmod(0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    if not os.fork():
        _serve_children(listener)
        shutil.rmtree(folder)
        os._exit(0)
    listener.close()
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    sys.stdout.write(f"{interpreter}\n")
    sys.stdout.flush()
    with os.fdopen(os.dup(0)) as requests, os.fdopen(os.dup(1), "w") as replies:
        while line := requests.readline():
            child = os.fork()
            if not child:
                python, stdout, stderr, *rest = json.loads(line)
                _become(python, _open_streams(stdout, stderr), [0, 1, 2], *rest)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(status, file=replies, flush=True)


def _serve_children(listener: socket.socket) -> None:
    """Fork for each connection of an `INTERPRETER`, for as long as the server lives."""
    gc.freeze()
    parent = os.getppid()
    for number in (0, 1):
        os.close(number)
        os.open(os.devnull, os.O_RDWR)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener.settimeout(1)
    while os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            connection, _ = listener.accept()
            if not os.fork():
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _keep(connection)
            connection.close()


def _keep(connection: socket.socket) -> NoReturn:
    """Fork the process that was asked for, and end its group when the interpreter ends."""
    connection.settimeout(None)
    _, opened, *_ = socket.recv_fds(connection, 1, 200)
    with connection.makefile() as lines:
        python, *rest = json.loads(lines.readline())
    child = os.fork()
    if not child:
        connection.close()
        os.setsid()
        _become(python, opened, *rest)
    for one in opened:
        os.close(one)
    ended = os.pidfd_open(child)
    ready, *_ = select.select([ended, connection.fileno()], [], [])
    if ended in ready:
        reply = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert reply
        status = reply.si_status if reply.si_code == os.CLD_EXITED else -reply.si_status
        with contextlib.suppress(OSError):
            connection.sendall(f"{status}\n".encode())
            connection.recv(1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os._exit(0)


def _open_streams(stdout: str, stderr: str) -> list[int]:
    created = os.O_WRONLY | os.O_CREAT
    return [
        os.open(path, flags, 0o600)
        for path, flags in ((os.devnull, 0), (stdout, created), (stderr, created))
    ]


def _become(
    python: str, opened: list[int], numbers: list[int], cwd: str, env: dict[str, str], command: list[str]
) -> NoReturn:  # fmt: skip
    """Turn this process into one that was started with a command.

    Args:
        python: What runs its children.
        opened: Its open files.
        numbers: Their numbers in it.
        cwd: Its working directory.
        env: Its environment variables.
        command: The arguments of Python.
    """
    import fcntl  # POSIX has it

    # First out of the way of one another.
    above = [fcntl.fcntl(one, fcntl.F_DUPFD, 512) for one in opened]
    for one in opened:
        os.close(one)
    for one, number in zip(above, numbers, strict=True):
        os.dup2(one, number)
        os.close(one)
    _start_children_with(python, setattr)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # which the server has looked up for itself
    os.chdir(cwd)
    for name in [one for one in sys.modules if one.partition(".")[0] in ("hubkit", "tests")]:
        del sys.modules[name]
    kind, what, *arguments = command
    added = env["PYTHONPATH"].split(os.pathsep) if env.get("PYTHONPATH") else []
    sys.path[:1] = ["" if kind == "-c" else cwd, *added]
    sys.argv = [what if kind == "-m" else kind, *arguments]
    status = 0
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            main = sys.modules["__main__"] = ModuleType("__main__")
            exec(compile(what, "<string>", "exec"), vars(main))
    except SystemExit as end:
        status = _exit_status(end.code)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        status = 1
        sys.excepthook(*sys.exc_info())
    # What the interpreter does at its end, but for freeing each object of torch.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _exit_status(code: object) -> int:
    if code is None or isinstance(code, int):
        return int(code or 0)
    sys.stderr.write(f"{code}\n")
    return 1


if __name__ == "__main__":
    _serve()
