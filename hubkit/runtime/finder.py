"""The finder through which modules of hub repos are imported.

One finder in ``sys.meta_path`` answers for every name below ``hubkit.repos`` and for nothing
else. It stands first, since pytest and others put finders there that would load a repo's files
without its namespace.
"""

from __future__ import annotations

import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import (
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from typing import TYPE_CHECKING

from hubkit.runtime.namespace import Namespace
from hubkit.runtime.naming import PREFIX, package_name, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

_namespaces: dict[str, Namespace] = {}
_current: dict[Path, Namespace] = {}
_lock = threading.Lock()


class RepoFinder(MetaPathFinder):
    """Finds ``hubkit.repos.<tree>`` and everything below.

    Attributes:
        relocate: Says where a folder is now that a package's name spells and that is not there.
    """

    is_hubkit = True

    def __init__(self) -> None:
        self.relocate: Callable[[Path], Path | None] = lambda _: None

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a repo's module; None for everybody else's."""
        if not fullname.startswith(PREFIX):
            return None
        package, _, inner = fullname[len(PREFIX) :].partition(".")
        if not inner:
            return self._find_package(fullname)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = _own_loader(spec.loader, _namespaces[PREFIX + package])
        return spec

    def _find_package(self, package: str) -> ModuleSpec:
        namespace = _namespaces.get(package) or self._make(package)
        spec = ModuleSpec(package, _PackageLoader(), origin=None, is_package=True)
        spec.submodule_search_locations = namespace.search_path
        return spec

    def _make(self, package: str) -> Namespace:
        spelled = root_of(package)
        root = spelled and (spelled if spelled.is_dir() else self.relocate(spelled))
        if root is None:
            message = f"the hub repo at {spelled} is not there: load it again with hubkit.load"
            raise ModuleNotFoundError(message, name=package)
        with _lock:
            namespace = _namespaces.setdefault(package, Namespace(root, package))
            _current.setdefault(root, namespace)
        return namespace


class _PackageLoader(Loader):
    """Loads the package that stands for a tree: a path and nothing else."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        pass


class _SourceLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def exec_module(self, module: ModuleType) -> None:
        self.namespace.note_file(self.path)
        vars(module)["__builtins__"] = self.namespace.builtins
        super().exec_module(module)


class _CompiledLoader(SourcelessFileLoader):
    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def exec_module(self, module: ModuleType) -> None:
        self.namespace.note_file(self.path)
        vars(module)["__builtins__"] = self.namespace.builtins
        super().exec_module(module)


def _own_loader(loader: Loader | None, namespace: Namespace) -> Loader | None:
    if type(loader) is SourceFileLoader:
        return _SourceLoader(loader.name, loader.path, namespace)
    if type(loader) is SourcelessFileLoader:
        return _CompiledLoader(loader.name, loader.path, namespace)
    return loader


FINDER = RepoFinder()


def install_finder() -> None:
    """Put the finder in front of all others, once."""
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)


def find_namespace(root: Path) -> Namespace:
    """The namespace of a tree: the same each time, until a file that was executed changes.

    Then a new one takes its place. Objects made from the old code keep it.

    Args:
        root: The tree's folder, resolved.
    """
    with _lock:
        namespace = _current.get(root)
        if namespace is not None and not namespace.has_changed():
            return namespace
        edition = 0
        while (package := package_name(root, edition)) in _namespaces:
            edition += 1
        namespace = _namespaces[package] = _current[root] = Namespace(root, package)
        return namespace
