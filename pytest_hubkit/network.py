"""The network guard: while it is on, every attempt to connect is noted, and denied unless allowed.

It sits at the sockets, below whatever name the repo's code bound early, and is process-wide while
it is on. Sockets between processes of one machine that have no address (``AF_UNIX``) are let be.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from contextvars import ContextVar
from dataclasses import field
from typing import TYPE_CHECKING, Any

from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

_URL_NAMES = ("url", "full_url", "fullurl", "uri", "repo_or_dir", "github")
_PATCHED = ("connect", "connect_ex")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to reach the network.

    Attributes:
        target: The URL when the code in between tells it, else the host and port.
        path: The file of the repo's code that led to it, relative to the repo; "" when unknown.
        line: The line there.
    """

    target: str
    path: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """``file:line``, or "" when unknown."""
        return f"{self.path}:{self.line}" if self.path else ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be reached.

    Attributes:
        everything: Whether anything may; attempts are noted all the same.
        loopback: Whether this machine may; that is no network, so nothing is noted.
    """

    everything: bool = False
    loopback: bool = False


class NetworkDeniedError(ConnectionError):
    """The network was asked for while that is not allowed.

    A `ConnectionError`, so that code that copes with being offline copes here too.

    Attributes:
        attempt: What was asked for.
    """

    def __init__(self, attempt: Attempt, who: str) -> None:
        super().__init__(
            f"{who} tried to reach {attempt.target}, and the network is denied here "
            "(--hubconf-network=deny)"
        )
        self.attempt = attempt


@dataclass(slots=True)
class Guard:
    """What is denied on whose behalf, and what was tried.

    Attributes:
        root: The repo's folder.
        who: What runs, such as "unet(pretrained=False)".
        attempts: What was tried, in order.
        policy: What may be reached.
        checkpoints: Checkpoints that were asked for, by URL the file that holds it.
    """

    root: Path
    who: str
    attempts: list[Attempt]
    policy: Policy = Policy()
    checkpoints: dict[str, str] = field(default_factory=dict)

    def meet(self, target: str, host: str = "") -> None:
        """Note an attempt.

        Args:
            target: What is asked for.
            host: The host or its address, when it is one.

        Raises:
            NetworkDeniedError: It may not be reached.
        """
        if self.policy.loopback and _is_loopback(host):
            return
        url, path, line = _look_up(sys._getframe(1), self.root)  # noqa: SLF001
        attempt = Attempt(url or target, path, line)
        self.attempts.append(attempt)
        if not self.policy.everything:
            raise NetworkDeniedError(attempt, self.who)


# The guard that is on, for code that has more to deny than sockets.
ACTIVE: ContextVar[Guard | None] = ContextVar("hubkit_guard", default=None)


@contextlib.contextmanager
def guarded_network(
    root: Path, who: str, attempts: list[Attempt] | None = None, policy: Policy | None = None
) -> Iterator[Guard]:
    """Guard the network against whatever runs inside.

    Args:
        root: The repo's folder; attempts are traced to its files.
        who: What runs, for messages.
        attempts: Where attempts are noted.
        policy: What may be reached; nothing by default.
    """
    noted = [] if attempts is None else attempts
    guard = Guard(root.resolve(), who, noted, policy or Policy())
    # Set on the Python class, which inherits both from C: afterwards they are simply gone again.
    saved = {name: socket.socket.__dict__.get(name) for name in _PATCHED}
    lookup = socket.getaddrinfo
    for name in _PATCHED:
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name), guard))
    socket.getaddrinfo = _guarded_lookup(lookup, guard)
    token = ACTIVE.set(guard)
    try:
        yield guard
    finally:
        ACTIVE.reset(token)
        socket.getaddrinfo = lookup
        for name, function in saved.items():
            if function is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, function)


def _guarded(original: Callable[..., Any], guard: Guard) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:  # noqa: ANN401
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host, port = address[:2]
            guard.meet(f"{host}:{port}", _text(host))
        return original(self, address)

    return connect


def _guarded_lookup(original: Callable[..., Any], guard: Guard) -> Callable[..., Any]:
    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        guard.meet(f"{_text(host)}:{_text(port)}", _text(host))
        return original(host, port, *args, **kwargs)

    return getaddrinfo


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _look_up(frame: FrameType | None, root: Path) -> tuple[str, str, int]:
    """The outermost URL that functions on the stack were given, and the repo's innermost line."""
    url, path, line = "", "", 0
    prefix = f"{root}/"
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
