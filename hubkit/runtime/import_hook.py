"""What imports mean in a repo's code, and the finder that finds its modules.

Every import statement calls ``__import__``, also in a function that runs often. So the outcome of
each is cached and used while ``sys.modules`` still agrees. That takes less time than Python's own
``__import__``, which looks up ``__path__`` on every module to see whether it is a package.

One finder in ``sys.meta_path`` finds all names below ``hubkit.repos`` and nothing else. It comes
first, since pytest and others put finders there that would load a repo's files without its
namespace. Source files are found by `hubkit.runtime.module_loader`, the rest by importlib's path finder.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import TYPE_CHECKING, TypeGuard

from hubkit._util.logs import log
from hubkit.runtime.module_loader import PackageLoader, find_file, loader_for
from hubkit.runtime.module_proxies import find_proxy
from hubkit.runtime.namespace import (
    FOLDER,
    PREFIX,
    Namespace,
    NamespaceState,
    has_changed,
    identify_folder,
    mark_external,
    name_folder,
    owns,
    read_allowed,
    read_folder_name,
    refresh_builtins,
    strip_edition,
    strip_prefix,
)
from hubkit.runtime.sys_modules import UNPREFIXED_FINDER
from hubkit.runtime.torch_patches import PATCHES, patch_module

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from pathlib import Path

    from hubkit.runtime.namespace import CodePolicy

# Somebody else's may do more than import.
_BUILTIN_IMPORT = builtins.__import__ if type(builtins.__import__) is BuiltinFunctionType else None
_ABSENT = ModuleType("absent")  # never in sys.modules
_import_code: set[CodeType] = set()

_namespaces: dict[str, Namespace] = {}  # by package
_latest: dict[tuple[str, Hashable], Namespace] = {}  # by resolved folder and lock
_by_path: dict[tuple[str, Hashable], Namespace] = {}  # by folder as it was passed, and lock
_lock = threading.Lock()


# The __import__ of a repo's code


def make_import(namespace: Namespace) -> Callable[..., ModuleType]:  # noqa: C901 - see below
    """The ``__import__`` of a repo's code."""
    # A closure, since each attribute of self would cost a good part of what the cache saves.
    absolute, relative = namespace.state.absolute.get, namespace.state.relative.get
    imported = sys.modules.get

    # One function: its frame is on the stack for each import within an import, and every import
    # pays for each call.
    def import_(  # noqa: C901
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if not level:
            cached = absolute(name)
        else:
            cached = relative((globals.get("__package__"), level, name)) if globals else None
        if cached is not None:
            key, module, result, top_key, top, variables = cached
            if imported(key) is module and builtins.__import__ is _BUILTIN_IMPORT:
                if not fromlist:
                    if imported(top_key) is top:
                        return top
                elif variables is None:
                    return result
                else:
                    for wanted in fromlist:
                        if wanted not in variables:
                            break
                    else:
                        return result
        if level:
            _require_inside(namespace, globals, level)
            own = False
        else:
            own = owns(namespace, name, fromlist or ())
        try:
            if own:
                full = namespace.prefix + name
                result = builtins.__import__(full, globals, locals, fromlist or (), 0)
            else:
                result = builtins.__import__(name, globals, locals, fromlist, level)
        except ImportError as error:
            strip_prefix(namespace, error)
            raise
        if level:
            _cache_relative(namespace, name, globals, level)
            return result
        if result is sys:
            return _sys_for(namespace, globals)
        return _finish(namespace, name, result, own=own, is_plain=not fromlist)

    _import_code.add(import_.__code__)
    return import_


def hide_import_frames(error: BaseException) -> None:
    """Remove the frames of our ``__import__`` from a traceback, as Python does with its own."""
    link = error.__traceback__
    while link is not None:
        following = link.tb_next
        if following is not None and following.tb_frame.f_code in _import_code:
            link.tb_next = following.tb_next
        else:
            link = following


def _sys_for(namespace: Namespace, variables: Mapping[str, object] | None) -> ModuleType:
    """The proxy of ``sys`` for modules that use ``sys.modules``; else the original.

    Few do, and torch.compile sees through nothing but the original.
    """
    uses = (variables or {}).get("__name__") in namespace.state.sys_modules_users
    return (uses and find_proxy(namespace, "sys")) or sys


def _finish(
    namespace: Namespace, name: str, result: ModuleType, *, own: bool, is_plain: bool
) -> ModuleType:
    """Cache an absolute import, and return what its statement gets."""
    _cache_absolute(namespace, name, own=own)
    if own:
        return sys.modules[namespace.prefix + name.partition(".")[0]] if is_plain else result
    mark_external(namespace, name)
    return find_proxy(namespace, result.__name__ if is_plain else name) or result


def _cache_absolute(namespace: Namespace, name: str, *, own: bool) -> None:
    state, prefix = namespace.state, namespace.prefix if own else ""
    key = prefix + name
    module = sys.modules.get(key)
    cached = state.absolute.get(name)
    if not _is_initialized(module) or (cached and cached[1] is module):
        return
    top_name = name.partition(".")[0]
    top_key = prefix + top_name
    top = sys.modules.get(top_key)
    if name == top_name and name in state.folders:
        # Which package is meant depends on what is imported from it.
        if not own:
            return
        top = None
    if not _is_initialized(top) or (not own and find_proxy(namespace, top_name)):
        top = _ABSENT
    result = module if own else find_proxy(namespace, name) or module
    state.absolute[name] = (key, module, result, top_key, top, _variables_of(module))


def _cache_relative(
    namespace: Namespace, name: str, variables: Mapping[str, object] | None, level: int
) -> None:
    package = (variables or {}).get("__package__")
    if isinstance(package, str):
        base = package.rsplit(".", level - 1)[0] if level > 1 else package
        key = f"{base}.{name}" if name else base
        module = sys.modules.get(key)
        if _is_initialized(module):
            outcome = key, module, module, "", _ABSENT, _variables_of(module)
            namespace.state.relative[package, level, name] = outcome


def _is_initialized(module: object) -> TypeGuard[ModuleType]:
    """Whether a module has been executed, and is an ordinary one."""
    if not isinstance(module, ModuleType):
        return False
    if type(module).__getattribute__ is not ModuleType.__getattribute__:
        return False
    return not getattr(vars(module).get("__spec__"), "_initializing", False)


def _variables_of(module: ModuleType) -> Mapping[str, object] | None:
    return vars(module) if "__path__" in vars(module) else None


def _require_inside(
    namespace: Namespace, variables: Mapping[str, object] | None, level: int
) -> None:
    """Refuse relative imports that leave the tree, as Python does for top-level modules."""
    package = str((variables or {}).get("__package__") or "")
    if not f"{package}.".startswith(namespace.prefix):
        return
    inside = package[len(namespace.prefix) :]
    if not inside:
        raise ImportError("attempted relative import with no known parent package")
    if level > inside.count(".") + 1:
        raise ImportError("attempted relative import beyond top-level package")


# The finder


class RepoFinder(MetaPathFinder):
    """Finds ``hubkit.repos.<repo>`` and everything below.

    Attributes:
        open_tree: Returns the folder that a package's name means, and how its code is imported; None
            if the name means none. Raises if its code may not run.
    """

    is_hubkit = True

    def __init__(self) -> None:
        self.open_tree: Callable[[str], tuple[Path, CodePolicy] | None] = lambda _: None

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a repo's module; None for nearly all others."""
        if not fullname.startswith(PREFIX):
            if fullname in PATCHES:
                return _find_patched(fullname, path)
            return UNPREFIXED_FINDER.find_below(fullname, path)
        package, _, module = fullname[len(PREFIX) :].partition(".")
        if not module:
            return self._find_package(fullname)
        namespace = _namespaces[PREFIX + package]
        spec = find_file(fullname, path or (), namespace)
        if spec is None:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None:
                spec.loader = loader_for(spec.loader, namespace)
        return spec

    def invalidate_caches(self) -> None:
        """Read folders again; ``importlib.invalidate_caches`` calls this."""
        for namespace in [*_namespaces.values()]:
            namespace.state.listings.clear()

    def _find_package(self, package: str) -> ModuleSpec:
        namespace = _namespaces.get(package) or self._open(package)
        spec = ModuleSpec(package, PackageLoader(namespace), origin=None, is_package=True)
        spec.submodule_search_locations = namespace.state.search_path
        return spec

    def _open(self, package: str) -> Namespace:
        """Make the namespace of a package that is imported by its name."""
        name = package[len(PREFIX) :]
        known = _find_imported(name)
        opened = (known.root, known.policy) if known else self.open_tree(name)
        if not opened:
            raise ModuleNotFoundError(f"{package} is not the name of a hub repo.", name=package)
        root, policy = opened
        namespace = _make_namespace(root, package, policy)
        namespace.state.is_opened_by_name = True
        with _lock:
            namespace = _namespaces.setdefault(package, namespace)
            _latest.setdefault((str(root), policy.lock), namespace)
        allowed = read_allowed().get(package)
        if allowed is not None and allowed.root == str(root):
            namespace.state.search_path[:] = allowed.search_path or [str(root)]
        return namespace


def _find_imported(name: str) -> Namespace | None:
    """A namespace of this process that holds the code of a package of another name, or None.

    That is another edition. For a folder it may have another hubconf: it was edited since.
    """
    name = strip_edition(name)
    same = [one for one in [*_namespaces.values()] if strip_edition(one.name) == name]
    folder = None if same else read_folder_name(name)
    if folder is not None:
        same = [one for one in [*_namespaces.values()] if read_folder_name(one.name) == folder]
        if len({one.root for one in same}) != 1:
            return None
        log.warning("%s%s is from another version of %s", PREFIX, name, same[-1].root)
    return same[-1] if same else None


class _PatchingLoader(Loader):
    """Loads a module of torch with its own loader, and patches it at once.

    Others bind its functions by name as soon as the module is there.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        patch_module(module)

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)


def _find_patched(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    spec = PathFinder.find_spec(fullname, path)
    if spec is not None and spec.loader is not None:
        spec.loader = _PatchingLoader(spec.loader)
    return spec


FINDER = RepoFinder()


def install_finder() -> None:
    """Put `RepoFinder` in front of all finders, and `UnprefixedFinder` behind them, once."""
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
        sys.meta_path.append(UNPREFIXED_FINDER)


# Namespaces


def loaded_namespaces() -> list[Namespace]:
    """The namespaces of repos whose hubconf is imported, in the order in which they were made."""
    return [one for one in [*_namespaces.values()] if f"{one.prefix}hubconf" in sys.modules]


def find_namespace(root: str, module: str, lock: Hashable = None) -> Namespace | None:
    """The namespace of a tree in which a module was imported; None if a file has changed since.

    Args:
        root: The tree's folder.
        module: The module's name without the prefix.
        lock: What the tree was verified against (`CodePolicy.lock`).
    """
    namespace = _by_path.get((root, lock))
    # Comparing the folder takes fewer system calls than following links.
    if namespace is None or identify_folder(root) != namespace.state.folder_id:
        namespace = _latest.get((os.path.realpath(root), lock))
        if namespace is None:
            return None
        _by_path[root, lock] = namespace
    if has_changed(namespace):
        _by_path.pop((root, lock), None)
        return None
    return namespace if namespace.prefix + module in sys.modules else None


def get_namespace(root: Path, policy: CodePolicy = FOLDER) -> Namespace:
    """The namespace of a tree: the same each time, until a file that was imported changes.

    Then a new one takes its place. Objects made from the old code keep the old one.

    Args:
        root: The tree's folder, resolved.
        policy: How its code is imported. Policies with the same ``lock`` share one namespace.
    """
    key = str(root), policy.lock
    with _lock:
        namespace = _latest.get(key)
        if namespace is None or has_changed(namespace):
            edition = 0
            name = package = PREFIX + (policy.package or name_folder(root))
            while package in _namespaces:
                edition += 1
                package = f"{name}_E{edition}"
            namespace = _make_namespace(root, package, policy)
            _namespaces[package] = _latest[key] = namespace
        namespace.state.is_fixed = policy.is_fixed
        return namespace


def _make_namespace(root: Path, package: str, policy: CodePolicy) -> Namespace:
    state = NamespaceState(root, is_fixed=policy.is_fixed)
    namespace = Namespace(root, package, f"{package}.", policy, state)
    state.import_ = make_import(namespace)
    refresh_builtins(namespace)
    return namespace
