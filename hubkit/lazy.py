"""Modules that are imported when they are first needed: packages by name (PEP 562), libraries."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType


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
