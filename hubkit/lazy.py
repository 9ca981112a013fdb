"""Modules that are imported when they are first needed: packages by name (PEP 562), libraries."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType


# Seconds that a thread which is about to wait gets to itself: both would share the interpreter.
_HEAD_START = 0.006


def lazy_names(package: str, homes: "Mapping[str, str]") -> "Callable[[str], object]":
    """Return the ``__getattr__`` of a package.

    Args:
        package: Dotted name of the package.
        homes: For each of its modules, the names that the package exports, separated by spaces.
    """
    modules = {name: module for module, names in homes.items() for name in names.split()}

    def load_name(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        import sys

        value: object = getattr(import_late(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load_name


def import_late(name: str) -> "ModuleType":
    """Import a module without collecting garbage meanwhile.

    What an import makes stays. In a process that has imported torch, one full collection takes
    longer than all imports of a load.
    """
    import importlib

    with PausedCollector():
        return importlib.import_module(name)


def import_ahead(names: "Iterable[str]") -> "threading.Thread | None":
    """Start to import modules in another thread, while this one waits for something else.

    An import that fails is tried again where its module is needed, and raises its error there.

    Args:
        names: Dotted names.

    Returns:
        The thread, to be joined before anybody may fork; None if none can be started.
    """
    import threading

    thread = threading.Thread(target=_import_all, args=(names,), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # too many threads
        return None
    return thread


def _import_all(names: "Iterable[str]") -> None:
    import contextlib
    import time

    time.sleep(_HEAD_START)
    for name in names:
        with contextlib.suppress(Exception):
            import_late(name)


class PausedCollector:
    """Collect no garbage in a ``with`` block that makes many objects which stay."""

    def __enter__(self) -> None:
        import gc

        self.was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.was_enabled:
            import gc

            gc.enable()
