"""Where the sources of a tree's modules are, by one look at each folder.

For each import Python puts together every file name that a module might have. Here a folder's names
are sorted once. What is neither a ``.py`` file nor a folder with ``__init__.py`` is left to Python.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_COMPILED = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)


class Source(Struct, frozen=True):
    """A source file.

    Attributes:
        path: The file.
        found: How it is.
        compiled: Where Python keeps its bytecode, or None when it keeps none.
        folder: For a package, its folder.
    """

    path: str
    found: os.stat_result
    compiled: str | None
    folder: str | None = None


class _Listing(Struct, frozen=True):
    """A folder's names.

    Attributes:
        changed_at: When the folder was changed last, in nanoseconds.
        modules: Names of ``.py`` files.
        others: Names of folders and of modules that are compiled.
        compiled: What stands around a module's name in the path of its bytecode, or None.
    """

    changed_at: int
    modules: frozenset[str]
    others: frozenset[str]
    compiled: tuple[str, str] | None


class Listings:
    """Folders of one tree.

    Args:
        root: The tree's folder.
        bytecode: The folder that keeps its compiled files: None for Python's own, "" for none.
    """

    def __init__(self, root: Path, bytecode: str | None = None) -> None:
        self._root = str(root)
        self._bytecode = bytecode
        self._folders: dict[str, _Listing] = {}

    def clear(self) -> None:
        """Look at all folders anew."""
        self._folders.clear()

    def find(self, name: str, folders: Iterable[str]) -> Source | None:
        """The source of a module, or None when that has to be found in another way.

        Args:
            name: The module's name, without those of its packages.
            folders: Where to look, in this order.
        """
        try:
            for folder in folders:
                listing = self._look(folder)
                if name in listing.others:
                    inside = self._look(f"{folder}/{name}")
                    if "__init__" in inside.modules and "__init__" not in inside.others:
                        return _source(f"{folder}/{name}", "__init__", inside, is_package=True)
                    return None
                if name in listing.modules:
                    return _source(folder, name, listing, is_package=False)
        except OSError:
            pass
        return None

    def _look(self, folder: str) -> _Listing:
        changed_at = os.stat(folder).st_mtime_ns  # noqa: PTH116
        listing = self._folders.get(folder)
        if listing is None or listing.changed_at != changed_at:
            listing = self._folders[folder] = _read(folder, changed_at, self._around(folder))
        return listing

    def _around(self, folder: str) -> tuple[str, str] | None:
        """What stands around a module's name in the path of its bytecode, or None."""
        if self._bytecode == "":
            return None
        try:
            compiled = importlib.util.cache_from_source(f"{folder}/@.py")
        except NotImplementedError:
            return None
        before, _, after = compiled.rpartition("@")
        if self._bytecode is None:
            return before, after
        if f"{folder}/".startswith(f"{self._root}/"):
            return f"{self._bytecode}{folder[len(self._root) :]}/", after
        return None


def _source(folder: str, name: str, listing: _Listing, *, is_package: bool) -> Source:
    path = f"{folder}/{name}.py"
    around = listing.compiled
    compiled = f"{around[0]}{name}{around[1]}" if around else None
    return Source(path, os.stat(path), compiled, folder if is_package else None)  # noqa: PTH116


def _read(folder: str, changed_at: int, around: tuple[str, str] | None) -> _Listing:
    modules, others = set(), set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, dot, suffix = entry.name.partition(".")
            if suffix == "py" and entry.is_file():
                modules.add(stem)
            elif entry.name.endswith(_COMPILED) or (not dot and entry.is_dir()):
                others.add(stem)
    return _Listing(changed_at, frozenset(modules), frozenset(others), around)
