"""``sys.modules`` for a repo's code, and a repo's modules in ``sys.modules`` for libraries.

A repo's code sees its own modules in ``sys.modules`` under the names that it imports them by
(`SysModules`). Its own imports never need more than that. But ``hydra``, ``joblib`` and others
import a dotted name such as ``models.net.Net`` from code of their own. `UnprefixedFinder` comes
last in ``sys.meta_path`` and finds a repo's modules for what the repo's code calls, and for pickles
(`hubkit.runtime.pickled_modules`). So nothing that can be imported anyway is hidden, and an import
that would fail succeeds instead.

All threads see what such an import leaves in ``sys.modules``. It is therefore no module of any repo
but a proxy that decides at each access on whose behalf it is made. Whoever else imports the name
gets the ordinary import, and whoever looks through ``sys.modules`` finds it empty. Proxies go when
the last running entrypoint returns; later ones go once an attribute was looked up in one.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, MutableMapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard

from hubkit.runtime.namespace import (
    PREFIX,
    Namespace,
    adopt_module,
    find_namespace_for,
    import_own,
    owns,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

ATTRIBUTE = "modules"
FIND_CLASS = "find_class"  # the method of unpicklers in Python
_READERS = {"load", "loads"}

_IMPORT_SYSTEM = importlib._bootstrap.__name__  # noqa: SLF001
_IMPORTING = (_IMPORT_SYSTEM, __name__, "hubkit.runtime.import_hook")
_lock = threading.Lock()
_proxies: dict[str, UnprefixedModule] = {}
_running = 0
_copy: dict[str, ModuleType] = {}


class SysModules(MutableMapping[str, ModuleType]):
    """A view of ``sys.modules`` in which a repo's own modules come first."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def __getitem__(self, name: str) -> ModuleType:
        return sys.modules[self._key(name)]

    def __setitem__(self, name: str, module: ModuleType) -> None:
        key, prefix = self._key(name), self._namespace.prefix
        is_new = key == name and not name.startswith(prefix)
        if is_new and str(getattr(module, "__name__", "")).startswith(prefix):
            adopt_module(self._namespace, name, module)
        else:
            if key in sys.modules:
                self._namespace.state.wrote_sys_modules = True
            sys.modules[key] = module

    def __delitem__(self, name: str) -> None:
        self._namespace.state.wrote_sys_modules = True
        del sys.modules[self._key(name)]

    def __iter__(self) -> Iterator[str]:
        prefix = self._namespace.prefix
        names = [*sys.modules]
        own = {name[len(prefix) :] for name in names if name.startswith(prefix)}
        yield from own
        yield from (name for name in names if name not in own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<sys.modules for {self._namespace.root}>"

    def copy(self) -> dict[str, ModuleType]:
        """A dictionary with the same items."""
        return dict(self)

    def _key(self, name: str) -> str:
        own = f"{self._namespace.prefix}{name}"
        return own if own in sys.modules else name


def uses_sys_modules(code: CodeType) -> bool:
    """Whether code uses something called ``modules``, as ``sys.modules`` is."""
    if ATTRIBUTE in code.co_names:
        return True
    nested = (const for const in code.co_consts if isinstance(const, CodeType))
    return any(map(uses_sys_modules, nested))


def adopt_new_modules(namespace: Namespace, path: list[str], before: dict[str, ModuleType]) -> None:
    """Move modules of the tree that are new in ``sys.modules`` to the namespace.

    Repo code puts them there by hand, or library code imports them from folders that the repo has
    put on ``sys.path``. If one replaced somebody else's module, that is restored. If the caller has
    the tree on ``sys.path``, the modules are the caller's.

    Args:
        namespace: The repo's.
        path: ``sys.path`` before the repo's code ran.
        before: ``sys.modules`` at that time.
    """
    if _is_unchanged(namespace, before):
        return
    # By name: a list of pairs has as many objects as there are modules, and starts a collection.
    modules = sys.modules
    new = [
        name
        for name in [*modules]
        if before.get(name) is not modules.get(name) and not name.startswith(PREFIX)
    ]
    if not new or any(namespace.contains(entry) for entry in path):
        return
    for name in new:
        module, replaced = sys.modules.get(name), before.get(name)
        if _is_of(module, namespace):
            if replaced is None or type(replaced) is UnprefixedModule:
                del sys.modules[name]
            else:
                sys.modules[name] = replaced
            adopt_module(namespace, name, module)


def copy_sys_modules(namespace: Namespace) -> dict[str, ModuleType]:
    """``sys.modules`` before code of a tree runs; not to be changed.

    It is copied only if modules came or went since the last copy.
    """
    global _copy  # noqa: PLW0603
    copied = _copy
    if not _is_unchanged(namespace, copied):
        copied = _copy = sys.modules.copy()
    return copied


def _has_same_end(before: dict[str, ModuleType]) -> bool:
    """Whether ``sys.modules`` has as many items as before, and the same one last.

    Part of every load, so it compares no thousand modules. What is added or imported again comes
    last.
    """
    modules, last = sys.modules, next(reversed(before), "")
    try:
        return (
            len(modules) == len(before)
            and next(reversed(modules), "") == last
            and modules.get(last) is before.get(last)
        )
    except RuntimeError:  # another thread imports
        return False


def _is_unchanged(namespace: Namespace, before: dict[str, ModuleType]) -> bool:
    """Whether nothing of the tree can be new in ``sys.modules``.

    What is replaced in its place has a name of the tree's, or the tree's code did it.
    """
    modules, state = sys.modules, namespace.state
    if state.wrote_sys_modules or not _has_same_end(before):
        return False
    own = [name for name, is_own in state.own.copy().items() if is_own]
    return all(modules.get(name) is before.get(name) for name in own)


def _is_of(module: object, namespace: Namespace) -> TypeGuard[ModuleType]:
    if not isinstance(module, ModuleType) or type(module) is UnprefixedModule:
        return False
    variables = vars(module)
    if str(variables.get("__name__")).startswith(namespace.prefix):
        return True
    file = variables.get("__file__")
    return str(file).startswith(str(namespace.root)) and namespace.contains(str(file))


class UnprefixedModule(ModuleType):
    """A proxy in ``sys.modules`` whose meaning depends on who uses it."""

    is_hubkit = True

    def __getattribute__(self, attribute: str) -> object:
        frame = sys._getframe(1)  # noqa: SLF001
        module = _resolve(self, frame, attribute)
        if not attribute.startswith("__") and frame.f_globals.get("__name__") not in _IMPORTING:
            _remove_unless_running()
        return getattr(module, attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        if frame.f_globals.get("__name__") == _IMPORT_SYSTEM:
            super().__setattr__(attribute, value)
        else:
            setattr(_resolve(self, frame, attribute), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_resolve(self, sys._getframe(1), attribute), attribute)  # noqa: SLF001

    def __dir__(self) -> list[str]:
        return dir(_resolve(self, sys._getframe(1), "__dir__"))  # noqa: SLF001


def _resolve(proxy: UnprefixedModule, frame: FrameType, attribute: str) -> ModuleType:
    """The module that a proxy means for a frame."""
    name = ModuleType.__getattribute__(proxy, "__dict__")["__name__"]
    namespace = _find_owner(name, frame)
    if namespace is not None:
        return import_own(namespace, name)
    # An import reads the spec of what it finds in sys.modules before it returns that.
    if attribute != "__spec__" and sys.modules.get(name) is proxy:
        raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
    with _lock:
        _remove(name)
    return importlib.import_module(name)


def _find_owner(name: str, frame: FrameType | None) -> Namespace | None:
    """The namespace in which a frame's import finds a module; None for nearly all of the program.

    It is the one whose code runs, or for a pickle the only one that has the module.
    """
    namespace = find_namespace_for(frame)
    if namespace is not None and owns(namespace, name):
        return namespace
    whole = name
    while frame is not None and frame.f_globals.get("__name__") in _IMPORTING:
        # To import a.b, Python imports a first. Of two repos with an a only one may have the b.
        whole = str(frame.f_locals.get("name", whole))
        frame = frame.f_back
    if frame is None or not _may_read_pickle(frame.f_code):
        return None
    from hubkit.runtime.pickled_modules import find_owner, reads_pickle

    return find_owner(whole) if reads_pickle(frame) else None


def _may_read_pickle(code: CodeType) -> bool:
    """Whether code may be an unpickler, or call one (`hubkit.runtime.pickled_modules`)."""
    return code.co_name == FIND_CLASS or not _READERS.isdisjoint(code.co_names)


class UnprefixedFinder(MetaPathFinder):
    """Finds a repo's modules without their prefix, for libraries that the repo's code calls."""

    is_hubkit = True

    def find_below(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Find a submodule of a proxy.

        To be called before other finders, which would find a file in the proxy's path.
        """
        if (
            path is None
            or type(sys.modules.get(fullname.rpartition(".")[0])) is not UnprefixedModule
        ):
            return None
        return self.find_spec(fullname, path)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The spec of a proxy; None if no repo's code is running or the repo has no such module.

        Raises:
            AmbiguousModuleError: A pickle names the module, and several loaded repos have it.
        """
        namespace = _find_owner(fullname, sys._getframe(1))  # noqa: SLF001
        if namespace is None:
            return None
        try:
            import_own(namespace, fullname)
        except ModuleNotFoundError as error:
            if error.name != fullname:
                raise
            return None
        return ModuleSpec(fullname, _ProxyLoader(namespace))


UNPREFIXED_FINDER = UnprefixedFinder()


class _ProxyLoader(Loader):
    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def get_code(self, fullname: str) -> object:
        """The code for ``runpy``."""
        loader: Any = import_own(self.namespace, fullname).__loader__
        return loader.get_code(self.namespace.prefix + fullname)

    def create_module(self, spec: ModuleSpec) -> UnprefixedModule:
        with _lock:
            return _proxies.setdefault(spec.name, UnprefixedModule(spec.name))

    def exec_module(self, module: ModuleType) -> None:
        pass


def enter_entrypoint() -> None:
    """Count one more running entrypoint."""
    global _running  # noqa: PLW0603
    with _lock:
        _running += 1


def leave_entrypoint() -> None:
    """Count one less; after the last one, remove the proxies."""
    global _running  # noqa: PLW0603
    with _lock:
        _running -= 1
    _remove_unless_running()


def _remove_unless_running() -> None:
    with _lock:
        if not _running:
            for name in _proxies:
                _remove(name)
            _proxies.clear()


def _remove(name: str) -> None:
    proxy = sys.modules.get(name)
    if type(proxy) is not UnprefixedModule:
        return
    del sys.modules[name]
    parent, _, child = name.rpartition(".")
    variables = vars(sys.modules[parent]) if type(sys.modules.get(parent)) is ModuleType else {}
    if variables.get(child) is proxy:
        del variables[child]
