"""Loaders that execute a repo's files in its namespace."""

from __future__ import annotations

from importlib.abc import Loader
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from hubkit.runtime.namespace import Namespace


class PackageLoader(Loader):
    """Loads the package that stands for a tree: a path and nothing else."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute: a tree's own ``__init__.py`` is no part of it."""


class RepoSourceLoader(SourceFileLoader):
    """Loads a source file.

    Nothing of ours stands on the stack while it is executed, so that modules that import one
    another nest as deep as they would elsewhere.
    """

    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return self.namespace.new_module(spec.name)

    def path_stats(self, path: str) -> dict[str, float]:
        """What its compiled file is compared with, asked once for that and for us."""
        found = self.namespace.files.note(path)
        return {"mtime": found.st_mtime, "size": found.st_size}


class RepoBytecodeLoader(SourcelessFileLoader):
    """Loads a compiled file that has no source."""

    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return self.namespace.new_module(spec.name)

    def get_code(self, fullname: str) -> CodeType | None:
        """Its code, once it is noted how the file was."""
        self.namespace.files.note(self.path)
        return super().get_code(fullname)


def own_loader(loader: Loader | None, namespace: Namespace) -> Loader | None:
    """The loader that does in a repo what another does elsewhere."""
    if type(loader) is SourceFileLoader:
        return RepoSourceLoader(loader.name, loader.path, namespace)
    if type(loader) is SourcelessFileLoader:
        return RepoBytecodeLoader(loader.name, loader.path, namespace)
    return loader
