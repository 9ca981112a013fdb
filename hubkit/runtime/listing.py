"""Find the source file of a module by listing each folder once.

For each import, Python's finder builds every file name that a module could have. Here the names in
a folder are sorted once, until the folder changes. Whatever is neither a ``.py`` file nor a folder
with ``__init__.py`` is left to Python.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.runtime.namespace import Namespace

_COMPILED = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)


class Source(Struct, frozen=True):
    """A source file.

    Attributes:
        path: The file.
        state: Its state when it was found.
        bytecode: The path of its bytecode, or None if none is kept.
        folder: For a package, its folder.
    """

    path: str
    state: os.stat_result
    bytecode: str | None
    folder: str | None = None


class Listing(Struct, frozen=True):
    """The names in a folder.

    Attributes:
        changed_at: When the folder last changed, in nanoseconds.
        modules: Names of ``.py`` files.
        others: Names of folders and of compiled modules.
        around_bytecode: What comes before and after a module's name in the path of its bytecode;
            None if none is kept.
    """

    changed_at: int
    modules: frozenset[str]
    others: frozenset[str]
    around_bytecode: tuple[str, str] | None


def find_source(name: str, folders: Iterable[str], namespace: Namespace) -> Source | None:
    """Find the source file of a module; None if Python has to look for the module.

    Args:
        name: The module's name without its packages.
        folders: Where to look, in this order.
        namespace: The tree's.
    """
    try:
        for folder in folders:
            listing = _list(folder, namespace)
            if name in listing.others:
                package = f"{folder}{os.sep}{name}"
                inside = _list(package, namespace)
                if "__init__" in inside.modules and "__init__" not in inside.others:
                    return _make_source(package, "__init__", inside, is_package=True)
                return None
            if name in listing.modules:
                return _make_source(folder, name, listing, is_package=False)
    except OSError:
        pass
    return None


def bytecode_path(path: str, namespace: Namespace) -> str | None:
    """The path of a source file's bytecode under the namespace's policy; None if none is kept."""
    folder, file = os.path.split(path)
    around = _around_bytecode(folder, namespace)
    return f"{around[0]}{file.rpartition('.')[0]}{around[1]}" if around else None


def _make_source(folder: str, name: str, listing: Listing, *, is_package: bool) -> Source:
    path = f"{folder}{os.sep}{name}.py"
    around = listing.around_bytecode
    bytecode = f"{around[0]}{name}{around[1]}" if around else None
    return Source(path, os.stat(path), bytecode, folder if is_package else None)  # noqa: PTH116


def _list(folder: str, namespace: Namespace) -> Listing:
    changed_at = os.stat(folder).st_mtime_ns  # noqa: PTH116
    listings = namespace.state.listings
    listing = listings.get(folder)
    if listing is None or listing.changed_at != changed_at:
        around = _around_bytecode(folder, namespace)
        listing = listings[folder] = _read(folder, changed_at, around)
    return listing


def _read(folder: str, changed_at: int, around: tuple[str, str] | None) -> Listing:
    modules, others = set(), set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, dot, suffix = entry.name.partition(".")
            if suffix == "py" and entry.is_file():
                modules.add(stem)
            elif entry.name.endswith(_COMPILED) or (not dot and entry.is_dir()):
                others.add(stem)
    return Listing(changed_at, frozenset(modules), frozenset(others), around)


def _around_bytecode(folder: str, namespace: Namespace) -> tuple[str, str] | None:
    kept, root = namespace.policy.bytecode, str(namespace.root)
    if kept == "":
        return None
    try:
        path = importlib.util.cache_from_source(f"{folder}{os.sep}@.py")
    except NotImplementedError:
        return None
    before, _, after = path.rpartition("@")
    if kept is None:
        return before, after
    if f"{folder}{os.sep}".startswith(f"{root}{os.sep}"):
        return f"{kept}{folder[len(root) :]}{os.sep}", after
    return None
