"""Fresh Python processes in which torch is imported already: each is a fork of one server.

`run_python` stands for ``subprocess.run([sys.executable, ...])``. The server imports what takes
seconds and belongs to others; hubkit is imported anew in each process. Where the point of a test
is what happens before or without ``import torch``, use `subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
PRELOADED = ("torch", "torch.hub", "pytest", "_pytest.pytester", "requests")


def run_python(
    *command: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run Python without standard input and return what it prints.

    Args:
        command: ``-c CODE ARGUMENT...`` or ``-m MODULE ARGUMENT...``.
        cwd: The folder to run in; the current one by default.
        env: All environment variables; the current ones by default.
        check: Whether to fail unless it exits with 0.
    """
    environment = dict(os.environ if env is None else env)
    if sys.platform == "win32":
        return subprocess.run(
            [sys.executable, *command],
            cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=check, capture_output=True, text=True,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        streams = Path(name, "stdout"), Path(name, "stderr")
        request = [*map(str, streams), str(cwd or Path.cwd()), environment, command]
        status = _server().ask(request)
        stdout, stderr = (path.read_text("utf-8", "replace") for path in streams)
    done = subprocess.CompletedProcess(command, status, stdout, stderr)
    if check:
        assert status == 0, f"{stdout}\n{stderr}"
    return done


class _Server:
    """A process that has imported much, and forks on request."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        # It ends when its standard input does, with this process at the latest.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
        )

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
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # such as torch, where there is none
            importlib.import_module(name)
    gc.freeze()
    with os.fdopen(os.dup(0)) as requests, os.fdopen(os.dup(1), "w") as replies:
        while line := requests.readline():
            child = os.fork()
            if not child:
                _become(*json.loads(line))
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(status, file=replies, flush=True)


def _become(
    stdout: str, stderr: str, cwd: str, env: dict[str, str], command: list[str]
) -> NoReturn:
    """Turn this process into one that was started with a command."""
    created = os.O_WRONLY | os.O_CREAT
    for number, path, flags in ((0, os.devnull, 0), (1, stdout, created), (2, stderr, created)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
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
