"""On whose behalf does code run?

One rule, for imports and for calls of ``torch.hub`` alike: the nearest frame of a repo's own code
counts, also long after `load` returned and in threads that the repo started. Where there is none on
the stack, a context variable names the repo whose entrypoint is running. Both are per thread, so
nobody waits for anybody and nobody sees another's repo.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.runtime.namespace import MARK, Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from hubkit.runtime.nested import HubFunctions


class Activation(Struct, frozen=True):
    """A repo's code being run.

    Attributes:
        namespace: Whose.
        hub: What its calls of ``torch.hub`` go to; None leaves them to torch.
    """

    namespace: Namespace
    hub: HubFunctions | None


ACTIVE: ContextVar[Activation | None] = ContextVar("hubkit_active", default=None)
_redirection: ContextVar[HubFunctions | None] = ContextVar("hubkit_redirection", default=None)
_redirection_of_all: HubFunctions | None = None


def namespace_of(frame: FrameType) -> Namespace | None:
    """The namespace whose code a frame runs, or None when it is nobody's."""
    return namespace_in(frame.f_builtins)


def namespace_in(builtins: object) -> Namespace | None:
    """The namespace to which a ``__builtins__`` belongs, or None."""
    found = builtins.get(MARK) if isinstance(builtins, dict) else None
    return found if isinstance(found, Namespace) else None


def find_namespace_for(frame: FrameType | None) -> Namespace | None:
    """The namespace on whose behalf a frame runs, or None when that is nobody's."""
    while frame is not None:
        namespace = namespace_of(frame)
        if namespace is not None:
            return namespace
        frame = frame.f_back
    active = ACTIVE.get()
    return active.namespace if active else None


def find_hub_for(frame: FrameType) -> HubFunctions | None:
    """The functions that a frame's call of ``torch.hub`` goes to, or None for torch's own."""
    namespace, active = find_namespace_for(frame), ACTIVE.get()
    source = active if active is not None and active.namespace is namespace else namespace
    hub = source.hub if source is not None else None
    return hub or _redirection.get() or _redirection_of_all


@contextlib.contextmanager
def redirect(hub: HubFunctions) -> Iterator[None]:
    """Let ``torch.hub`` mean other functions for whatever this thread or task calls.

    Args:
        hub: What it means. A repo that came with functions of its own keeps these.
    """
    token = _redirection.set(hub)
    try:
        yield
    finally:
        # An async generator may be closed by another task, for which nothing was redirected.
        with contextlib.suppress(ValueError):
            _redirection.reset(token)


def redirect_all(hub: HubFunctions | None) -> None:
    """The same for the whole process; None takes it back."""
    global _redirection_of_all  # noqa: PLW0603 - the process is what it is about
    _redirection_of_all = hub
