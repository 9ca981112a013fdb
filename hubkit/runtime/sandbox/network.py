"""Guard the network while other people's code runs.

The guard is an audit hook, so it sees what Python's own modules do below whatever name the code
bound early: sockets, name lookups, functions of the C library, new processes and threads. Compiled
code that opens sockets itself raises no audit events. Against that helps a network namespace
without any network, where the system allows one: `isolate_network` moves this process there, and
the guard moves the processes that guarded code starts.

docs/security.md lists what is stopped, what is only noticed, and what is neither.
"""

from __future__ import annotations

import _socket
import contextlib
import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct, field

from hubkit._util.urls import is_loopback, try_parse
from hubkit.runtime.sandbox.offline import find_refused_url, huggingface_offline
from hubkit.runtime.sandbox.replies import answer_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType


_URL_NAMES = ("url", "full_url", "fullurl", "uri", "repo_or_dir", "github")
# In a command line, but for those that stay on this machine.
_URL = re.compile(
    r"(?!(?:[a-z]+\+)?(?:file|sqlite|unix):)\b[a-z][a-z0-9+.-]+://[^\s'\"|;&)]+"
    r"|\bgit@[\w.-]+:[\w./~-]+",
    re.IGNORECASE,
)
_MOST_NOTICES, _MOST_EVIDENCE = 100, 4
_LONG = 120


class Attempt(Struct, frozen=True):
    """One attempt to reach the network, or a process that guarded code started.

    Attributes:
        target: The URL if a function on the stack has one, else the host and port; for a process,
            its command line.
        path: The file of the repo that led to it, relative to the repo; "" if unknown.
        line: The line there.
        means: The operation, by the name of its audit event, such as "socket.connect".
    """

    target: str
    path: str = ""
    line: int = 0
    means: str = ""

    @property
    def place(self) -> str:
        """``file:line``, or "" if unknown."""
        return f"{self.path}:{self.line}" if self.path else ""

    @property
    def origin(self) -> str:
        """The place and the operation, for a report: "at net.py:4 by socket.connect"."""
        return f"{f'at {self.place} ' if self.path else ''}by {self.means}"


class Policy(Struct, frozen=True):
    """What may be reached.

    Attributes:
        everything: Whether anything may be reached; attempts are recorded all the same.
        loopback: Whether this machine may be reached. That is no network: nothing is recorded.
    """

    everything: bool = False
    loopback: bool = False

    @property
    def denies_all(self) -> bool:
        """Whether nothing may be reached, so that a process may lose its network altogether."""
        return not (self.everything or self.loopback)


class NetworkDeniedError(ConnectionError):
    """Code tried to reach the network, and the policy denies it.

    It is a `ConnectionError`, so that code that handles being offline handles this too.

    Attributes:
        attempt: The attempt.
    """

    def __init__(self, attempt: Attempt, who: str, reason: str) -> None:
        super().__init__(f"{who} tried to reach {attempt.target}, but {reason}")
        self.attempt = attempt


class Guard(Struct):
    """A policy, the code that it applies to, and what that code tried.

    Attributes:
        root: The repo's folder.
        who: What runs, such as "unet(pretrained=False)".
        attempts: Attempts to reach the network, in order.
        policy: What may be reached.
        reason: Why the rest may not, for error messages.
        notices: Processes that were started and libraries that were opened, at most 100.
        checkpoints: Checkpoints that were requested, by URL the file that holds it.
        find_file: Returns the file that answers a request for a URL, or None.
        answered: Requests that a file answered, by URL.
        opened: Files that were opened, if they are to be noted, and whether that was to write.
    """

    root: Path
    who: str
    attempts: list[Attempt]
    policy: Policy = Policy()
    reason: str = "the network is denied here (--hubconf-network=deny)"
    notices: list[Attempt] = field(default_factory=list)
    checkpoints: dict[str, str] = field(default_factory=dict)
    find_file: Callable[[str], Path | None] | None = None
    answered: dict[str, Path] = field(default_factory=dict)
    opened: dict[str, bool] | None = None

    def meet(self, target: str, host: str = "", means: str = "") -> None:
        """Record an attempt to reach the network.

        Args:
            target: What would be reached.
            host: The host or its address, when it is one.
            means: The operation.

        Raises:
            NetworkDeniedError: The policy denies it.
        """
        if self.policy.loopback and is_loopback(host):
            return
        url, path, line = _look_up(sys._getframe(1), self.root)  # noqa: SLF001
        attempt = Attempt(url or target, path, line, means)
        self.attempts.append(attempt)
        if not self.policy.everything:
            raise NetworkDeniedError(attempt, self.who, self.reason)

    def notice(self, what: str, means: str) -> None:
        """Record something that may lead to the network but usually does not."""
        if len(self.notices) < _MOST_NOTICES:
            _, path, line = _look_up(sys._getframe(1), self.root)  # noqa: SLF001
            self.notices.append(Attempt(what, path, line, means))

    @property
    def evidence(self) -> tuple[str, ...]:
        """The first attempts, and the first processes that were started, a line for each."""
        tried = (f"requested {one.target} {one.origin}" for one in self.attempts)
        notices = (one for one in self.notices if one.means.startswith(("os.", "subprocess.")))
        started = (f"started {one.target} {one.origin}" for one in notices)
        return tuple([*dict.fromkeys((*tried, *started))][:_MOST_EVIDENCE])


def _answer(url: str) -> BinaryIO | None:
    """The file that answers a request under the current guard."""
    guard = current_guard()
    if guard is None or guard.find_file is None or not url.startswith(("http://", "https://")):
        return None
    # The code itself does not open it.
    opened, guard.opened = guard.opened, None
    try:
        path = guard.find_file(url)
        if path is None:
            return None
        guard.answered[url] = path
        return path.open("rb")
    finally:
        guard.opened = opened


def wrap_requests() -> bool:
    """Let guards answer requests; return whether a library was not prepared for that before."""
    return answer_requests(_answer)


# Guards that are on, for all threads; the last one counts.
_active: list[Guard] = []
# The guard under which a thread was started, or a process forked.
_inherited = threading.local()
_install_lock = threading.Lock()
_installed = False


def current_guard() -> Guard | None:
    """The guard that applies to this thread, or None.

    A thread keeps the guard under which it was started, also when that has ended: code that runs
    late is no exception. Only a policy that allows everything overrides it, since threads of
    pools are shared.
    """
    active = _active[-1] if _active else None
    inherited: Guard | None = getattr(_inherited, "guard", None)
    if inherited is None or (active is not None and active.policy.everything):
        return active
    return inherited


@contextlib.contextmanager
def guarded_network(
    root: Path,
    who: str,
    attempts: list[Attempt] | None = None,
    policy: Policy | None = None,
    reason: str = "",
) -> Iterator[Guard]:
    """Guard the network in all threads, and in the threads and processes started inside.

    Args:
        root: The repo's folder; attempts are traced to its files.
        who: What runs, for messages.
        attempts: Where attempts are recorded.
        policy: What may be reached; nothing by default.
        reason: Why the rest may not, for messages.
    """
    _install()
    recorded = [] if attempts is None else attempts
    guard = Guard(root.resolve(), who, recorded, policy or Policy())
    guard.reason = reason or guard.reason
    # What this thread has inherited applies outside.
    inherited: Guard | None = getattr(_inherited, "guard", None)
    _inherited.guard = None
    _active.append(guard)
    process = os.getpid()
    clients = contextlib.nullcontext() if guard.policy.everything else huggingface_offline()
    try:
        with clients:
            yield guard
    except Exception as error:
        refused = find_refused_url(error)
        if refused:
            guard.attempts.append(Attempt(refused, *_find_place(error, guard.root), _CLIENT))
        raise
    finally:
        _active.remove(guard)
        if os.getpid() == process:  # a forked one stays guarded
            _inherited.guard = inherited


_CLIENT = "huggingface_hub"


def _find_place(error: BaseException, root: Path) -> tuple[str, int]:
    """The innermost line of the repo that an error passed; "" and 0 if there is none."""
    prefix, found = f"{root}{os.sep}", ("", 0)
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(prefix):
            found = (path[len(prefix) :], trace.tb_lineno)
        trace = trace.tb_next
    return found


def _install() -> None:
    """Install what lasts as long as the process, once. Without a guard it does nothing."""
    global _installed  # noqa: PLW0603 - audit hooks cannot be removed
    with _install_lock:
        if _installed:
            return
        _installed = True
        sys.addaudithook(_audit)
        _inherit_in_threads()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
        _inherit_in_subprocesses()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    handle = _EVENTS.get(event)
    if handle is not None:
        guard = current_guard()
        if guard is not None:
            handle(guard, event, args)


def _on_address(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    """A socket is about to connect or to send."""
    sock, address = args
    if address is None or _family(sock) in _LOCAL_FAMILIES:
        return
    _meet_address(guard, event, address)


def _family(sock: socket.socket) -> int:
    """The family of a socket, whatever a subclass calls it."""
    family: int = _socket.socket.family.__get__(sock)
    return family


def _on_bind(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    """To listen reaches nobody, but with packet sockets it comes before sending."""
    sock, address = args
    if _family(sock) in _LOCAL_FAMILIES:
        return
    if _family(sock) in (socket.AF_INET, socket.AF_INET6):
        guard.notice(str(address), event)
    else:
        _meet_address(guard, event, address)


def _on_lookup(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    host = _text(args[0])
    port = f":{_text(args[1])}" if event == "socket.getaddrinfo" else ""
    # No host, or the machine's own name: what servers look up before they listen.
    if args[0] is None or (guard.policy.loopback and host == socket.gethostname()):
        return
    guard.meet(f"{host}{port}", host, event)


def _on_reverse_lookup(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    _meet_address(guard, event, args[0])


def _meet_address(guard: Guard, event: str, address: Any) -> None:  # noqa: ANN401
    if isinstance(address, tuple) and len(address) > 1:
        host, port = address[:2]
        guard.meet(f"{_text(host)}:{_text(port)}", _text(host), event)
    else:
        guard.meet(_text(address), _text(address), event)


def _on_open(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    """A file is about to be opened."""
    del event
    path, _, flags = args
    if guard.opened is not None and isinstance(path, str | bytes):
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
        name = os.path.abspath(_text(path))  # noqa: PTH100 - links stay as they are
        guard.opened[name] = writes or guard.opened.get(name, False)


def _on_command(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    """A process is about to be started: its command line may name what it will reach."""
    words = args[0] if event in ("os.system", "os.startfile") else args[1]
    command = " ".join(map(_text, words)) if isinstance(words, list | tuple) else _text(words)
    found = _URL.search(command)
    if found is not None:
        url = try_parse(found[0])
        guard.meet(found[0], url.host if url else "", event)
    guard.notice(command[:_LONG], event)


def _on_fork(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    del args
    guard.notice("a copy of this process", event)


def _on_library(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    guard.notice(_text(args[0]), event)


def _on_function(guard: Guard, event: str, args: tuple[Any, ...]) -> None:
    """A function of a library is looked up by ctypes."""
    name = _text(args[1])
    if name in _C_NETWORK:
        guard.meet(f"{name}() of a C library", "", event)
    elif name in _C_PROCESSES:
        guard.notice(f"{name}() of a C library", event)


_LOCAL_FAMILIES = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
_C_NETWORK = frozenset(
    [
        "connect",
        "sendto",
        "sendmsg",
        "sendmmsg",
        "getaddrinfo",
        "gethostbyname",
        "gethostbyname2",
        "gethostbyname_r",
        "gethostbyname2_r",
        "res_query",
        "res_search",
        "WSAConnect",
    ]
)
_C_PROCESSES = frozenset(
    [
        "fork",
        "vfork",
        "clone",
        "system",
        "popen",
        "posix_spawn",
        "posix_spawnp",
        "syscall",
        "execl",
        "execle",
        "execlp",
        "execv",
        "execve",
        "execvp",
        "execvpe",
    ]
)
_EVENTS: dict[str, Callable[[Guard, str, tuple[Any, ...]], None]] = {
    "open": _on_open,
    "socket.connect": _on_address,
    "socket.sendto": _on_address,
    "socket.sendmsg": _on_address,
    "socket.bind": _on_bind,
    "socket.getaddrinfo": _on_lookup,
    "socket.gethostbyname": _on_lookup,
    "socket.gethostbyaddr": _on_lookup,
    "socket.getnameinfo": _on_reverse_lookup,
    "subprocess.Popen": _on_command,
    "os.exec": _on_command,
    "os.posix_spawn": _on_command,
    "os.system": _on_command,
    "os.startfile": _on_command,
    "os.fork": _on_fork,
    "os.forkpty": _on_fork,
    "ctypes.dlopen": _on_library,
    "ctypes.dlsym": _on_function,
    "ctypes.dlsym/handle": _on_function,
}


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes | os.PathLike) else str(value)


def _look_up(frame: FrameType | None, root: Path) -> tuple[str, str, int]:
    """The outermost URL that functions on the stack were given, and the repo's innermost line."""
    url, path, line = "", "", 0
    prefix = f"{root}{os.sep}"
    while frame is not None:
        url = _url_in(frame) or url
        if not path and frame.f_code.co_filename.startswith(prefix):
            path, line = frame.f_code.co_filename[len(prefix) :], frame.f_lineno
        frame = frame.f_back
    return url, path, line


def _url_in(frame: FrameType) -> str:
    for name in _URL_NAMES:
        value = frame.f_locals.get(name)
        if isinstance(value, str) and value.startswith(("http://", "https://", "ftp://")):
            return value
    return ""


def _inherit_in_threads() -> None:
    """Let a thread keep the guard of the thread that starts it.

    Python audits the start of threads only from 3.12 on, and never from within the new thread.
    """
    import _thread

    for module, name in (
        (_thread, "start_new_thread"),
        (_thread, "start_new"),
        (_thread, "start_joinable_thread"),
        (threading, "_start_new_thread"),
        (threading, "_start_joinable_thread"),
    ):
        if hasattr(module, name):
            setattr(module, name, _inheriting(getattr(module, name)))


def _inheriting(start: Callable[..., Any]) -> Callable[..., Any]:
    def start_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        guard = current_guard()
        if guard is None:
            return start(function, *args, **kwargs)

        def run(*args: object, **kwargs: object) -> object:
            _inherited.guard = guard
            return function(*args, **kwargs)

        return start(run, *args, **kwargs)

    return start_thread


def _after_fork() -> None:
    """Keep the guard in a forked process for as long as it lives, without a network if possible."""
    guard = current_guard()
    if guard is not None:
        _inherited.guard = guard
        if guard.policy.denies_all:
            isolate_network()


def _inherit_in_subprocesses() -> None:
    """Start the programs that guarded code runs without a network, where the system allows it."""
    if not can_isolate():
        return
    execute = subprocess.Popen._execute_child  # type: ignore[attr-defined]  # noqa: SLF001

    def execute_child(
        self: object,
        args: object,
        executable: object,
        preexec_fn: Callable[[], object] | None,
        *rest: object,
    ) -> object:
        guard = current_guard()
        if guard is None or not guard.policy.denies_all or not can_isolate():
            return execute(self, args, executable, preexec_fn, *rest)

        def prepare() -> None:
            isolate_network()
            if preexec_fn is not None:
                preexec_fn()

        with warnings.catch_warnings():
            # From 3.12 on Python warns of any code between fork and exec where there are threads;
            # this is one system call or two.
            warnings.simplefilter("ignore", DeprecationWarning)
            return execute(self, args, executable, prepare, *rest)

    setattr(subprocess.Popen, "_execute_child", execute_child)  # noqa: B010


_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _IS_UP = 0x8914, 0x1


class _Namespaces:
    """What the C library offers, looked up while that is safe: never in a forked process."""

    def __init__(self) -> None:
        self.unshare = None
        self.is_isolated = False
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                self.unshare = ctypes.CDLL(None).unshare


_namespaces = _Namespaces()


def can_isolate() -> bool:
    """Whether a process of this one's might still lose its network."""
    return _namespaces.unshare is not None and not _namespaces.is_isolated


def isolate_network() -> bool:
    """Move this process, and all that it starts, to a network namespace without a network.

    The namespace has a loopback interface of its own. An ordinary user needs a user namespace for
    that, which only a process with a single thread can enter. Containers and some systems forbid
    both.

    Returns:
        Whether the process has no network now.
    """
    if can_isolate():
        _namespaces.is_isolated = _enter()
        if _namespaces.is_isolated:
            _raise_loopback()
    return _namespaces.is_isolated


def _enter() -> bool:
    unshare = _namespaces.unshare
    assert unshare is not None  # noqa: S101
    if unshare(_NEW_NETWORK) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    # Without a map of users this process could create no files.
    if not os.access("/proc/self/uid_map", os.W_OK) or unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with contextlib.suppress(OSError):
            _write(f"/proc/self/{name}", text)
    return True


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def _raise_loopback() -> None:
    import fcntl

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14x", b"lo", _IS_UP))
