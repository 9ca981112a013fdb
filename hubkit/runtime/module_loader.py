"""Loaders that execute a repo's files in its namespace.

They give a module the namespace's ``__builtins__``, record which files were imported, and keep
bytecode where the policy says. In a folder of the user's, whatever bytecode is not of the usual kind
is left to importlib's own loaders.
"""

from __future__ import annotations

import io
import marshal
import os
import struct
import sys
from importlib.abc import Loader
from importlib.machinery import (
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from hubkit.runtime.listing import Source, bytecode_path, find_source
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
