"""On whose behalf does code run?

Two things tell. A frame of a repo's own code says whose it is, also long after `load` returned
and in threads that the repo started. And while an entrypoint runs, a context variable says so for
library code that it calls. Both are per thread, so nobody waits for anybody and nobody sees
another's repo.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubkit.runtime.namespace import MARK, Namespace

if TYPE_CHECKING:
    from types import FrameType

    from hubkit.runtime.nested import HubFunctions


@dataclass(frozen=True, slots=True)
class Activation:
    """A repo's code being run.

    Attributes:
        namespace: Whose.
        hub: What its calls of ``torch.hub`` go to; None leaves them to torch.
    """

    namespace: Namespace
    hub: HubFunctions | None


ACTIVE: ContextVar[Activation | None] = ContextVar("hubkit_active", default=None)


def namespace_of(frame: FrameType) -> Namespace | None:
    """The namespace whose code a frame runs, or None when it is nobody's."""
    return namespace_in(frame.f_builtins)


def namespace_in(builtins: object) -> Namespace | None:
    """The namespace to which a ``__builtins__`` belongs, or None."""
    found = builtins.get(MARK) if isinstance(builtins, dict) else None
    return found if isinstance(found, Namespace) else None


def find_namespace_for(frame: FrameType | None) -> Namespace | None:
    """The namespace in which names are to be looked up for what a frame does, or None."""
    while frame is not None:
        namespace = namespace_of(frame)
        if namespace is not None:
            return namespace
        frame = frame.f_back
    active = ACTIVE.get()
    return active.namespace if active else None


def find_hub_for(frame: FrameType) -> HubFunctions | None:
    """What a call of ``torch.hub`` made by a frame is to go to, or None for torch itself."""
    active = ACTIVE.get()
    if active is not None:
        return active.hub
    namespace = namespace_of(frame)
    return namespace.hub if namespace else None
