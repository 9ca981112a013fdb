"""Run a function many times in one child process, which ends with its parent.

The child is started once and imports what it needs once. Requests and replies are bytes with their
length in front, on standard input and on a copy of standard output, so nothing that the child prints
can be mistaken for a reply. Whoever calls replaces a child that crashed, hung or ran out of memory.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.process import (
    ChildError,
    ChildReplyError,
    ChildTimeoutError,
    child_environment,
    describe_status,
    kill_group,
    last_lines,
)
from hubkit._util.usage import disk_error, memory_error, read_memory, read_written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from queue import SimpleQueue

_LENGTH = 8  # bytes of the length in front of a message
_OUT_OF_MEMORY = 117  # exit status of a child that has used up its memory
_LOOK_EVERY = 0.1  # seconds
_ENDLESS = 1 << 60
_LEAVING, _STAYING = b"\0", b"\1"
_BOOT = """\
import sys
if sys.path[0] == "": del sys.path[0]
sys.path.append(sys.argv[1])
from hubkit._util.child_server import serve
serve(*sys.argv[2:])
"""


class Resources(Struct, frozen=True):
    """What a child process may use.

    Attributes:
        seconds: Time for one call.
        memory: Bytes of memory. Only on Linux is a child ended that uses more; elsewhere it is
            replaced after the call. Any number by default.
        written: Bytes that it may write in one call, and bytes of one file. Only on Linux do several
            files count together. Any number by default.
    """

    seconds: float
    memory: int = _ENDLESS
    written: int = _ENDLESS


class _Call(Struct):
    """A call that runs.

    Attributes:
        deadline: When it must have ended, in `time.monotonic`.
        seconds: How long it may take.
        written: Bytes that the child may have written by then.
        killed: Why the child was killed.
    """

    deadline: float
    seconds: float
    written: int
    killed: list[ChildError] = field(default_factory=list)


class ChildServer:
    """A child process that serves calls, one after the other.

    Args:
        function: ``module:name``. It takes bytes and returns bytes.
        resources: What the child may use.
        prepare: Another function of the module, which the child calls first, before it starts a
            thread.
        interpreter: The command for Python; ``sys.executable`` by default.
        env: Environment variables to add or, when None, to remove.
    """

    def __init__(
        self,
        function: str,
        resources: Resources,
        prepare: str = "",
        interpreter: Sequence[str] = (),
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self._resources = resources
        self._folder = tempfile.TemporaryDirectory(
            prefix="hubkit-child-", ignore_cleanup_errors=True
        )
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        home = str(Path(__file__).parents[2])
        bounds = (str(resources.memory), str(resources.written))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [*(interpreter or (sys.executable,)), "-c", _BOOT, home, function, *bounds, prepare],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=self._folder.name,
            env=child_environment(env or {}),
            start_new_session=True,
        )
        self.is_leaving = False
        self._lock = threading.Lock()
        self._call: _Call | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def call(self, request: bytes, seconds: float = 0.0) -> bytes:
        """Run the function in the child.

        After any of the errors, and once `is_leaving` is set, the child serves no further call.

        Args:
            request: The function's argument.
            seconds: Time for this call, if it is not that of the resources.

        Raises:
            ChildTimeoutError: It took too long.
            ChildMemoryError: It needed too much memory.
            ChildDiskError: It wrote too much.
            ChildError: It crashed.
        """
        written = read_written(self._process.pid, alone=True) + self._resources.written
        seconds = seconds or self._resources.seconds
        call = _Call(time.monotonic() + seconds, seconds, written)
        with self._lock:
            self._call = call
        try:
            reply = self._exchange(request)
        finally:
            with self._lock:
                self._call = None
        if call.killed or not reply:
            raise self._failure(call)
        self.is_leaving = reply[:1] == _LEAVING
        return reply[1:]

    def close(self) -> None:
        """End the child at once, and remove its folder."""
        self._closed.set()
        kill_group(self._process)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._folder.cleanup()

    def _exchange(self, request: bytes) -> bytes:
        """Send a request and read the reply; empty if the child has ended."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        assert self._process.stdout is not None  # noqa: S101
        self._stderr.seek(0)
        self._stderr.truncate()
        try:
            write_message(self._process.stdin, request)
            return read_message(self._process.stdout)
        except (OSError, ValueError):
            return b""

    def _watch(self) -> None:
        """Kill the child if a call takes too long or uses too much; note why."""
        while not self._closed.wait(_LOOK_EVERY):
            with self._lock:  # so that it is not killed for a call that has just ended
                if self._call is not None and not self._call.killed:
                    self._look(self._call)

    def _look(self, call: _Call) -> None:
        pid, resources = self._process.pid, self._resources
        if time.monotonic() >= call.deadline:
            call.killed.append(ChildTimeoutError(describe_status(None, call.seconds)))
        elif read_memory(pid) > resources.memory:
            call.killed.append(memory_error(resources.memory))
        elif read_written(pid, alone=True) > call.written:
            call.killed.append(disk_error(resources.written))
        if call.killed:
            kill_group(self._process)

    def _failure(self, call: _Call) -> ChildError:
        kill_group(self._process)
        status = self._process.wait()
        if call.killed:
            return call.killed[0]
        if status == _OUT_OF_MEMORY:
            return memory_error(self._resources.memory)
        self._stderr.seek(0)
        output = self._stderr.read(limits.OUTPUT_BYTES.most).decode(errors="replace")
        return ChildError(describe_status(status, self._resources.seconds), last_lines(output))


def write_message(stream: IO[bytes], message: bytes) -> None:
    """Write a message with its length in front."""
    stream.write(len(message).to_bytes(_LENGTH, "big") + message)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes:
    """Read a message; empty at the end of the stream.

    Raises:
        ChildReplyError: It is longer than a reply may be.
    """
    size = int.from_bytes(stream.read(_LENGTH), "big")
    if size > limits.REPLY_BYTES.most:
        raise ChildReplyError(f"the reply is longer than {limits.REPLY_BYTES.most} bytes")
    message = stream.read(size)
    return message if len(message) == size else b""


def serve(function: str, memory: str, file_size: str, prepare: str) -> NoReturn:
    """Serve calls in the child until the parent closes its end, or ends.

    Args:
        function: As for `ChildServer`.
        memory: Bytes of memory that the child may use.
        file_size: Bytes of one file.
        prepare: As for `ChildServer`, or "".
    """
    from queue import SimpleQueue

    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(int(memory), int(file_size))
    sys.argv = [""]
    requests: SimpleQueue[bytes] = SimpleQueue()
    try:
        module, _, name = function.partition(":")
        home = importlib.import_module(module)
        if prepare:
            getattr(home, prepare)()
        # A thread reads, so that the child ends with its parent even while a call hangs.
        threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
        call = getattr(home, name)
        while True:
            reply: bytes = call(requests.get())
            leaves = _peak_memory() > int(memory) // 2
            write_message(replies, (_LEAVING if leaves else _STAYING) + reply)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _read_requests(requests: SimpleQueue[bytes]) -> None:
    while request := read_message(sys.stdin.buffer):
        requests.put(request)
    os._exit(0)


@contextlib.contextmanager
def lifted_file_limit() -> Iterator[None]:
    """Let what the child starts meanwhile write large files."""
    if sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _limit(memory: int, file_size: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    # The parent ends a child that grows beyond its memory. This refuses single huge allocations, and
    # not smaller ones: code that parses takes a MemoryError for a fault of what it parses.
    for kind, most in ((resource.RLIMIT_DATA, 2 * memory), (resource.RLIMIT_FSIZE, file_size)):
        _, hard = resource.getrlimit(kind)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))


def _peak_memory() -> int:
    """The most memory in bytes that this process has used so far; 0 if unknown."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
