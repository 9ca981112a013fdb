"""What the host is asked, what it answers, and what goes wrong on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

PATIENCE = 300.0  # seconds after which a stalled answer gives up by itself


@dataclass
class Request:
    """One request that the host got.

    Attributes:
        method: Such as "GET".
        path: The decoded path, without the query.
        query: The query as sent, without "?".
        headers: Header names in lower case.
        status: What was answered, 0 while it is being worked on or when it was dropped.
        sent: Bytes of the body that were sent.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Fault:
    """What goes wrong with the requests whose path matches.

    Attributes:
        pattern: Regular expression that is searched in the path.
        times: How many requests it still spoils; each one counts.
        only: Which of these requests; all when not given.
        status: Answer with this status instead.
        headers: Headers of that answer.
        cut: Close the connection after so many bytes of the body.
        stall: Fall silent after ``cut`` bytes (0 when not given) until this event is set.
        drop: Close the connection without an answer.
    """

    pattern: str
    times: int = 1
    only: Callable[[Request], bool] = bool
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: threading.Event | None = None
    drop: bool = False


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: All of it.
        headers: Headers; a Content-Length here is sent as it is, though it lies.
        chunked: Send the body in chunks, without its length.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
