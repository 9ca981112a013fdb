"""A repo's modules under their bare names, for library code that it calls.

A repo's own imports never come here. But ``hydra``, ``joblib`` and others import what a dotted
name such as ``models.net.Net`` says, in frames of their own. A finder that stands last answers for
a repo's names while its entrypoint runs, and later for what its code calls. So nothing that can be
imported anyway is hidden, and an import that would fail succeeds instead.

What such an import leaves in ``sys.modules`` is seen by all threads. It is therefore no module of
any repo but a stand-in, which looks at each access on whose behalf it is made. Whoever else imports
the name gets the ordinary import, and who merely looks through ``sys.modules`` finds it empty.
Stand-ins go when the last entrypoint that runs has returned; those that came later, when somebody
else imports the name or the next entrypoint returns.
"""

from __future__ import annotations

import importlib
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hubkit.runtime.context import find_namespace_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from hubkit.runtime.namespace import Namespace

_IMPORT_SYSTEM = importlib._bootstrap.__name__  # noqa: SLF001
_lock = threading.Lock()
_stand_ins: dict[str, StandIn] = {}
_running = 0


class StandIn(ModuleType):
    """What a bare name means, decided by who asks."""

    is_hubkit = True

    def __getattribute__(self, attribute: str) -> object:
        return getattr(_meant(self, sys._getframe(1), attribute), attribute)  # noqa: SLF001

    def __setattr__(self, attribute: str, value: object) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        if frame.f_globals.get("__name__") == _IMPORT_SYSTEM:
            super().__setattr__(attribute, value)
        else:
            setattr(_meant(self, frame, attribute), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_meant(self, sys._getframe(1), attribute), attribute)  # noqa: SLF001

    def __dir__(self) -> list[str]:
        return dir(_meant(self, sys._getframe(1), "__dir__"))  # noqa: SLF001


def _meant(stand_in: StandIn, frame: FrameType, attribute: str) -> ModuleType:
    """The module that a stand-in stands for in the eyes of a frame."""
    name = ModuleType.__getattribute__(stand_in, "__dict__")["__name__"]
    namespace = find_namespace_for(frame)
    if namespace is not None and namespace.owns(name):
        return namespace.import_module(name)
    # An import asks for the spec of what it finds in sys.modules before it gives that away.
    if attribute != "__spec__" and sys.modules.get(name) is stand_in:
        raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
    return _import_for_others(name)


class BareNameFinder(MetaPathFinder):
    """Finds a repo's modules by their bare names for what its code calls."""

    is_hubkit = True

    def find_below(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """The same for a module below a stand-in.

        To be asked first: the path of a stand-in is the repo's, where others find files.
        """
        if path is None or type(sys.modules.get(fullname.rpartition(".")[0])) is not StandIn:
            return None
        return self.find_spec(fullname, path)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The spec of a stand-in, or None when no repo's code asks or the repo has no such name."""
        namespace = find_namespace_for(sys._getframe(1))  # noqa: SLF001
        if namespace is None or not namespace.owns(fullname):
            return None
        try:
            namespace.import_module(fullname)
        except ModuleNotFoundError as error:
            if error.name != fullname:
                raise
            return None
        return ModuleSpec(fullname, _StandInLoader(namespace))


BARE_NAMES = BareNameFinder()


class _StandInLoader(Loader):
    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def get_code(self, fullname: str) -> object:
        """What ``runpy`` runs."""
        loader: Any = self.namespace.import_module(fullname).__loader__
        return loader.get_code(self.namespace.prefix + fullname)

    def create_module(self, spec: ModuleSpec) -> StandIn:
        with _lock:
            return _stand_ins.setdefault(spec.name, StandIn(spec.name))

    def exec_module(self, module: ModuleType) -> None:
        pass


def begin() -> None:
    """An entrypoint begins to run."""
    global _running  # noqa: PLW0603
    with _lock:
        _running += 1


def end() -> None:
    """An entrypoint has returned; the last one takes the stand-ins with it."""
    global _running  # noqa: PLW0603
    with _lock:
        _running -= 1
        if not _running:
            for name in _stand_ins:
                _remove(name)
            _stand_ins.clear()


def _import_for_others(name: str) -> ModuleType:
    with _lock:
        _remove(name)
    return importlib.import_module(name)


def _remove(name: str) -> None:
    if type(sys.modules.get(name)) is StandIn:
        del sys.modules[name]
