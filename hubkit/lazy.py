"""What is put off until it is needed: modules of a package (PEP 562), and regular expressions."""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
        """A regular expression that is compiled when it is first used."""
        raise NotImplementedError

else:

    class pattern:  # noqa: N801 - stands where a function does
        """A regular expression that is compiled when it is first used."""

        def __init__(self, text: str, flags: int = 0) -> None:
            self._text, self._flags = text, flags

        def __getattr__(self, name: str) -> object:
            value = getattr(re.compile(self._text, self._flags), name)
            setattr(self, name, value)
            return value


def find_lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A package's ``__getattr__``.

    Args:
        package: Its dotted name.
        homes: Its modules, each with the names in it that the package hands on, by spaces.

    Returns:
        What imports the module of a name and keeps the name in the package.
    """
    modules = {name: module for module, names in homes.items() for name in names.split()}

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
