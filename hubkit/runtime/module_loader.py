"""Find a repo's source files, and execute them in its namespace.

For each import, Python's finder builds every file name that a module could have. Here the names in
a folder are listed once, until the folder changes. Whatever is neither a ``.py`` file nor a folder
with ``__init__.py`` is left to Python.

Loaders give a module the namespace's ``__builtins__``, record which files were imported, and keep
bytecode where the policy says. In a folder of the user's, whatever bytecode is not of the usual kind
is left to importlib's own loaders.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import os
import struct
import sys
from importlib.abc import Loader
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.runtime.namespace import record_file
from hubkit.runtime.sys_modules import ATTRIBUTE, uses_sys_modules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.runtime.namespace import Namespace


_ATTRIBUTE = ATTRIBUTE.encode()
_HEADER = MAGIC_NUMBER + bytes(4)  # the flags of bytecode that is compared by time and size


class PackageLoader(Loader):
    """Loads the package that stands for a tree: a path and nothing else."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python create it."""

    def exec_module(self, module: ModuleType) -> None:  # noqa: ARG002
        """Execute nothing: the tree's own ``__init__.py`` is not part of it.

        If a pickle names one of its modules before anybody has loaded the repo, its hubconf comes
        first, as it may make modules importable or change them.
        """
        if self.namespace.state.is_opened_by_name:
            from hubkit.runtime.hubconf import import_in

            import_in(self.namespace)


class RepoSourceLoader(SourceFileLoader):
    """Loads a source file of a tree.

    No frame of ours is on the stack while the file is executed, so modules that import one another
    can nest as deep as elsewhere.
    """

    def __init__(
        self, fullname: str, path: str, namespace: Namespace, source: Source | None = None
    ) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace
        self._source = source
        self._mentions_modules = False

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return _new_module(spec.name, self.namespace)

    def path_stats(self, path: str) -> dict[str, float]:
        """What the bytecode is compared with; records it as the state of the file."""
        found = record_file(self.namespace, path)
        return {"mtime": found.st_mtime, "size": found.st_size}

    def get_data(self, path: str) -> bytes:
        """The content of a file."""
        with io.open_code(path) as file:
            data = file.read()
        self._mentions_modules = _ATTRIBUTE in data
        return data

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, from bytecode if that is of just this source."""
        # The state in which it was found counts now, but not if somebody asks again later.
        source, self._source = self._source, None
        if source is None and self.namespace.policy.bytecode is not None:
            path = self.path
            source = Source(path, os.stat(path), bytecode_path(path, self.namespace))  # noqa: PTH116
        code = None if source is None else self._read_bytecode(source)
        if source is not None and code is not None:
            self.namespace.state.files[source.path] = source.state.st_mtime_ns, source.state.st_size
        elif source is not None and self.namespace.policy.bytecode is not None:
            code = self._compile(source)
        else:
            if sys.implementation.cache_tag is None:  # then Python does not call `path_stats`
                record_file(self.namespace, self.path)  # type: ignore[unreachable]
            code = super().get_code(fullname)
        if self._mentions_modules and code is not None and uses_sys_modules(code):
            self.namespace.state.sys_modules_users.add(fullname)
        return code

    def _read_bytecode(self, source: Source) -> CodeType | None:
        """The code in the bytecode of a source file; None if it is damaged or of another source."""
        if source.bytecode is None:
            return None
        try:
            data = self.get_data(source.bytecode)
            if data[:16] != _make_header(source.state):
                return None
            code = marshal.loads(memoryview(data)[16:])  # noqa: S302 - as Python does
        except (OSError, EOFError, TypeError, ValueError):
            return None
        # A tree that was moved has other names in tracebacks.
        is_whole = isinstance(code, CodeType) and code.co_filename == source.path
        return code if is_whole else None

    def _compile(self, source: Source) -> CodeType:
        """The code, from the source alone; the bytecode is kept where the policy says."""
        state = record_file(self.namespace, source.path)
        code: CodeType = self.source_to_code(self.get_data(source.path), source.path)
        if source.bytecode is not None and not sys.dont_write_bytecode:
            self.set_data(source.bytecode, _make_header(state) + marshal.dumps(code))
        return code


def _make_header(state: os.stat_result) -> bytes:
    """The start of bytecode that is compared with its source's time and size."""
    mtime, size = int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF
    return _HEADER + struct.pack("<II", mtime, size)


class RepoBytecodeLoader(SourcelessFileLoader):
    """Loads a compiled file that has no source."""

    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return _new_module(spec.name, self.namespace)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, once the state of the file is recorded."""
        record_file(self.namespace, self.path)
        return super().get_code(fullname)


def find_file(fullname: str, folders: Iterable[str], namespace: Namespace) -> ModuleSpec | None:
    """The spec of a module whose source file is in one of some folders; None for other modules.

    Args:
        fullname: The module's name with the prefix.
        folders: Where to look, in this order.
        namespace: The tree's.
    """
    source = find_source(fullname.rpartition(".")[2], folders, namespace)
    if source is None:
        return None
    loader = RepoSourceLoader(fullname, source.path, namespace, source)
    spec = ModuleSpec(fullname, loader, origin=source.path)
    spec.has_location = True
    if source.bytecode is not None:
        spec.cached = source.bytecode
    if source.folder is not None:
        spec.submodule_search_locations = [source.folder]
    return spec


def loader_for(loader: Loader | None, namespace: Namespace) -> Loader | None:
    """The loader that replaces one of Python's in a tree.

    Raises:
        ImportError: It loads bytecode, and the policy runs only source.
    """
    if type(loader) is SourceFileLoader:
        return RepoSourceLoader(loader.name, loader.path, namespace)
    if type(loader) is SourcelessFileLoader:
        if namespace.policy.bytecode is not None:
            raise ImportError(
                f"{loader.path} is bytecode without source. hubkit does not run it in a fetched"
                " repo.",
                name=loader.name,
                path=loader.path,
            )
        return RepoBytecodeLoader(loader.name, loader.path, namespace)
    return loader


def _new_module(name: str, namespace: Namespace) -> ModuleType:
    module = ModuleType(name)
    vars(module)["__builtins__"] = namespace.state.builtins
    return module


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
