"""The finder through which modules of hub repos are imported.

One finder in ``sys.meta_path`` answers for every name below ``hubkit.repos`` and for nothing
else. It stands first, since pytest and others put finders there that would load a repo's files
without its namespace.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

from hubkit.runtime.bare import BARE_NAMES
from hubkit.runtime.loading import PackageLoader, RepoSourceLoader, own_loader
from hubkit.runtime.namespace import Namespace
from hubkit.runtime.naming import PREFIX, package_name, root_of
from hubkit.runtime.nested import WRAPPERS, wrap_module
from hubkit.runtime.policy import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path
    from types import ModuleType

    from hubkit.runtime.listing import Source
    from hubkit.runtime.policy import CodePolicy

_namespaces: dict[str, Namespace] = {}
_current: dict[tuple[str, Hashable], Namespace] = {}
_given: dict[tuple[str, Hashable], Namespace] = {}
_lock = threading.Lock()


class RepoFinder(MetaPathFinder):
    """Finds ``hubkit.repos.<tree>`` and everything below.

    Attributes:
        admit: Says where a folder is now that a package's name spells, and how its code is
            imported; None where there is no such folder. Raises where it may not be.
    """

    is_hubkit = True

    def __init__(self) -> None:
        self.admit: Callable[[Path], tuple[Path, CodePolicy] | None] = lambda _: None

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a repo's module; None for nearly all others."""
        if fullname in WRAPPERS:
            return _find_wrapped(fullname, path)
        if not fullname.startswith(PREFIX):
            return BARE_NAMES.find_below(fullname, path)
        package, _, inner = fullname[len(PREFIX) :].partition(".")
        if not inner:
            return self._find_package(fullname)
        namespace = _namespaces[PREFIX + package]
        source = namespace.listings.find(fullname.rpartition(".")[2], path or ())
        if source is not None:
            return _spec_of(fullname, source, namespace)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = own_loader(spec.loader, namespace)
        return spec

    def invalidate_caches(self) -> None:
        """Look at folders anew: what ``importlib.invalidate_caches`` calls."""
        for namespace in [*_namespaces.values()]:
            namespace.listings.clear()

    def _find_package(self, package: str) -> ModuleSpec:
        namespace = _namespaces.get(package) or self._make(package)
        spec = ModuleSpec(package, PackageLoader(), origin=None, is_package=True)
        spec.submodule_search_locations = namespace.search_path
        return spec

    def _make(self, package: str) -> Namespace:
        spelled = root_of(package)
        known = _find_known(spelled)
        admitted = (known.root, known.policy) if known else spelled and self.admit(spelled)
        if not admitted:
            message = f"the hub repo at {spelled} is not there: load it again with hubkit.load"
            raise ModuleNotFoundError(message, name=package)
        root, policy = admitted
        with _lock:
            namespace = _namespaces.setdefault(package, Namespace(root, package, policy))
            _current.setdefault((str(root), policy.lock), namespace)
        return namespace


def _find_known(root: Path | None) -> Namespace | None:
    """A namespace of a tree whose code has run in this process, or None."""
    known = (namespace for namespace in [*_namespaces.values()] if namespace.root == root)
    return next(known, None)


def _spec_of(fullname: str, source: Source, namespace: Namespace) -> ModuleSpec:
    loader = RepoSourceLoader(fullname, source.path, namespace, source)
    spec = ModuleSpec(fullname, loader, origin=source.path)
    spec.has_location = True
    if source.compiled is not None:
        spec.cached = source.compiled
    if source.folder is not None:
        spec.submodule_search_locations = [source.folder]
    return spec


class _WrappingLoader(Loader):
    """Loads a module of torch as its own loader does, and wraps functions in it at once.

    Others bind these functions by name as soon as the module is there.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        wrap_module(module)

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)


def _find_wrapped(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    spec = PathFinder.find_spec(fullname, path)
    if spec is not None and spec.loader is not None:
        spec.loader = _WrappingLoader(spec.loader)
    return spec


FINDER = RepoFinder()


def install_finder() -> None:
    """Put the finder in front of all others, and that of bare names last, once."""
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
        sys.meta_path.append(BARE_NAMES)


def find_loaded(root: str, module: str, lock: Hashable = None) -> Namespace | None:
    """The namespace of a tree in which a module was executed, or None.

    Args:
        root: The tree's folder.
        module: The module's bare name.
        lock: What its bytes were held to.
    """
    namespace = _given.get((root, lock))
    # To see that it is the same folder asks the disk for less than to follow its links.
    if namespace is None or not namespace.files.are_at(root):
        namespace = _current.get((os.path.realpath(root), lock))
        if namespace is None:
            return None
        _given[root, lock] = namespace
    if namespace.files.have_changed():
        _given.pop((root, lock), None)
        return None
    return namespace if namespace.prefix + module in sys.modules else None


def find_namespace(root: Path, policy: CodePolicy = FOLDER) -> Namespace:
    """The namespace of a tree: the same each time, until a file that was executed changes.

    Then a new one takes its place. Objects made from the old code keep it.

    Args:
        root: The tree's folder, resolved.
        policy: How its code is imported. Trees with the same ``lock`` share one namespace.
    """
    key = str(root), policy.lock
    with _lock:
        namespace = _current.get(key)
        if namespace is not None and not namespace.files.have_changed():
            return namespace
        edition = 0
        while (package := package_name(root, edition)) in _namespaces:
            edition += 1
        namespace = _namespaces[package] = _current[key] = Namespace(root, package, policy)
        return namespace
