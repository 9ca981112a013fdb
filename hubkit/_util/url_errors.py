"""Bases of ``urllib.error`` for hubkit's errors, so that code written for ``torch.hub`` catches them."""

from __future__ import annotations

import functools
import io
from email.message import Message
from http import HTTPStatus
from typing import IO, Any, TypeVar
from urllib.error import HTTPError, URLError

Error = TypeVar("Error", bound=OSError)


@functools.cache
def with_urllib_base(cls: type[Error], *, has_status: bool) -> type[Error]:
    """A class like another one, its attribute ``plain``, that is a ``URLError`` too.

    Args:
        cls: The class. Tracebacks show its name.
        has_status: Whether it stands for an HTTP status, as an ``HTTPError`` does.
    """
    bases = (cls, _StatusError if has_status else _ConnectionError)
    if bases[1] in cls.__mro__:
        return cls
    names = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(cls.__name__, bases, {**names, "plain": cls})


class _ConnectionError(URLError):
    """A ``URLError`` whose reason is the error that the system gave."""

    def __init__(self, message: str) -> None:
        self.args = (message,)

    @property
    def reason(self) -> str | BaseException:  # type: ignore[override]
        """The innermost error of the system, or the message."""
        found: BaseException | None = self
        reason: str | BaseException = str(self.args[0])
        seen: set[int] = set()
        while found is not None and id(found) not in seen:
            seen.add(id(found))
            if isinstance(found, OSError) and found.errno is not None:
                reason = found
            found = found.__cause__ or found.__context__
        return reason


class _StatusError(HTTPError):
    """An ``HTTPError`` without a body. ``code`` and ``url`` are attributes of the error."""

    code: int

    def __init__(self, message: str) -> None:
        self.args = (message,)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        # HTTPError passes what it lacks on to the body, which only some errors of urllib have.
        if name.startswith("_") or name in ("code", "url"):
            raise AttributeError(name)
        return getattr(self.fp, name)

    __repr__ = BaseException.__repr__

    @property
    def msg(self) -> str:  # type: ignore[override]
        """What the status means."""
        known = {status.value: status.phrase for status in HTTPStatus}
        return known.get(self.code, "")

    reason = msg

    @property
    def hdrs(self) -> Message:  # type: ignore[override]
        """No headers."""
        return Message()

    headers = hdrs

    @property
    def fp(self) -> IO[bytes]:  # type: ignore[override]
        """An empty body."""
        return io.BytesIO()

    file = fp

    def close(self) -> None:
        """Do nothing: there is no body to close."""
