"""Packages that import their modules when one of their names is first used (PEP 562)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
        import importlib
        import sys

        value: object = getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load_name
