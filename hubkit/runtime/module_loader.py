"""Loaders that execute a repo's files in its namespace.

They are importlib's own, which also read and check bytecode. Ours give a module the namespace's
``__builtins__``, record which files were imported, and keep bytecode where the policy says.
"""

from __future__ import annotations

import functools
import io
import os
import sys
from importlib.abc import Loader
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hubkit.runtime.namespace import record_file
from hubkit.runtime.sys_modules import ATTRIBUTE, uses_sys_modules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec
    from types import CodeType

    from hubkit.runtime.namespace import Namespace

_ATTRIBUTE = ATTRIBUTE.encode()
_BYTECODE = tuple(BYTECODE_SUFFIXES)


class PackageLoader(Loader):
    """Loads the package that stands for a tree: a path and nothing else."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python create it."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute nothing: the tree's own ``__init__.py`` is not part of it."""


class RepoSourceLoader(SourceFileLoader):
    """Loads a source file of a tree.

    No frame of ours is on the stack while the file is executed, so modules that import one another
    can nest as deep as elsewhere.
    """

    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace
        self._mentions_modules = False

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return _new_module(spec.name, self.namespace)

    def path_stats(self, path: str) -> dict[str, float]:
        """What the bytecode is compared with; records it as the state of the file."""
        found = record_file(self.namespace, path)
        return {"mtime": found.st_mtime, "size": found.st_size}

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, from bytecode if it matches the source."""
        if sys.implementation.cache_tag is None:  # then Python does not call `path_stats`
            record_file(self.namespace, self.path)  # type: ignore[unreachable]
        code = super().get_code(fullname)
        if self._mentions_modules and code is not None and uses_sys_modules(code):
            self.namespace.state.sys_modules_users.add(fullname)
        return code

    def get_data(self, path: str) -> bytes:
        """The content of a file; bytecode is read where the policy keeps it."""
        if path.endswith(_BYTECODE):
            path = self.bytecode_path(path)
            if not path:
                raise FileNotFoundError
        with io.open_code(path) as file:
            data = file.read()
        self._mentions_modules = _ATTRIBUTE in data
        return data

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:  # noqa: ANN401
        """Write bytecode where the policy keeps it."""
        path = self.bytecode_path(path)
        if path:
            super().set_data(path, data, _mode=_mode)

    def bytecode_path(self, path: str) -> str:
        """Where the policy keeps a compiled file; "" if it keeps none.

        Args:
            path: Where Python would keep it.
        """
        folder = self.namespace.policy.bytecode
        if folder is None:
            return path
        root, source = str(self.namespace.root), os.path.dirname(self.path)  # noqa: PTH120
        if not folder or not f"{source}/".startswith(f"{root}/"):
            return ""
        return f"{folder}{source[len(root) :]}/{os.path.basename(path)}"  # noqa: PTH119


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
    """The spec of a module whose file is in one of some folders, or None.

    Args:
        fullname: The module's name with the prefix.
        folders: Where to look, in this order.
        namespace: The tree's.
    """
    finders = namespace.state.finders
    for folder in folders:
        finder = finders.get(folder)
        if finder is None:
            finder = finders[folder] = _make_finder(folder, namespace)
        spec = finder.find_spec(fullname)
        if spec is None:
            continue
        if type(spec.loader) is RepoSourceLoader:
            if namespace.policy.bytecode is not None:
                spec.cached = spec.loader.bytecode_path(spec.cached or "") or None
        elif spec.loader is None:
            # A folder without __init__.py may have parts elsewhere, which Python's finder collects.
            return None
        return spec
    return None


def _make_finder(folder: str, namespace: Namespace) -> FileFinder:
    def load_source(fullname: str, path: str) -> RepoSourceLoader:
        return RepoSourceLoader(fullname, path, namespace)

    details: list[tuple[Any, list[str]]] = [
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (load_source, SOURCE_SUFFIXES),
    ]
    if namespace.policy.bytecode is None:
        load_bytecode = functools.partial(RepoBytecodeLoader, namespace=namespace)
        details.append((load_bytecode, BYTECODE_SUFFIXES))
    return FileFinder(folder, *details)


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
