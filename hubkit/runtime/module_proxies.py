"""Proxies of standard modules that take module names, for a repo's code.

``importlib.import_module("models.net")`` and ``pickle.load`` look names up in ``sys.modules``,
which the whole process shares. A repo's code gets a proxy of these modules instead, whose functions
know the repo's modules; everything else in it is the original's.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hubkit.runtime.module_loader import loader_for
from hubkit.runtime.namespace import import_own, owns, refresh_builtins
from hubkit.runtime.sys_modules import ATTRIBUTE, SysModules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime.namespace import Namespace

Replacements = dict[str, object]

_RESOURCE_FUNCTIONS = (
    "contents",
    "files",
    "is_resource",
    "open_binary",
    "open_text",
    "path",
    "read_binary",
    "read_text",
)


class ModuleProxy(ModuleType):
    """A module with some names replaced.

    Args:
        module: The original.
        namespace: Of the repo whose code uses it.
        replacements: What is replaced.
    """

    def __init__(
        self, module: ModuleType, namespace: Namespace, replacements: Replacements
    ) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(replacements, __spec__=module.__spec__)
        vars(self).update(__hubkit_original__=module, __hubkit_namespace__=namespace)

    def __getattr__(self, name: str) -> object:
        value = getattr(vars(self)["__hubkit_original__"], name)
        if isinstance(value, ModuleType):
            return find_proxy(vars(self)["__hubkit_namespace__"], value.__name__) or value
        return value

    def __dir__(self) -> list[str]:
        return dir(vars(self)["__hubkit_original__"])


class SysProxy(ModuleProxy):
    """``sys`` with the repo's `SysModules`; attributes are set on the original."""

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["__hubkit_original__"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["__hubkit_original__"], name)


class BuiltinsProxy(ModuleProxy):
    """``builtins``, which a repo's code has a copy of: what it sets must reach both."""

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["__hubkit_original__"], name, value)
        refresh_builtins(vars(self)["__hubkit_namespace__"])

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["__hubkit_original__"], name)
        vars(self)["__hubkit_namespace__"].state.builtins.pop(name, None)


def find_proxy(namespace: Namespace, name: str) -> ModuleType | None:
    """The proxy of a module for a repo's code, or None if the code uses the original."""
    proxies = namespace.state.proxies
    if name not in proxies:
        proxies[name] = _make_proxy(namespace, name)
    return proxies[name]


def _make_proxy(namespace: Namespace, name: str) -> ModuleType | None:
    make = _MAKERS.get(name)
    if make is None:
        return None
    module = importlib.import_module(name)
    proxy = {"builtins": BuiltinsProxy, "sys": SysProxy}.get(name, ModuleProxy)
    return proxy(module, namespace, make(namespace, module))


def _importlib(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name.startswith("."):
            name = importlib.util.resolve_name(name, package or "")
        if owns(namespace, name):
            return import_own(namespace, name)
        module: ModuleType = original.import_module(name)
        return module

    return {"import_module": import_module}


def _importlib_util(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    def find_spec(name: str, package: str | None = None) -> object:
        if name.startswith("."):
            name = original.resolve_name(name, package or "")
        return original.find_spec(_full_name(namespace, name))

    def spec_from_file_location(name: str, *args: object, **kwargs: object) -> object:
        spec = original.spec_from_file_location(name, *args, **kwargs)
        if spec is not None and spec.origin and namespace.contains(spec.origin):
            spec.loader = loader_for(spec.loader, namespace)
        return spec

    return {"find_spec": find_spec, "spec_from_file_location": spec_from_file_location}


def _importlib_resources(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    return {
        name: _with_own_package(namespace, getattr(original, name))
        for name in _RESOURCE_FUNCTIONS
        if hasattr(original, name)
    }


def _pkgutil(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    def get_data(package: str, resource: str) -> object:
        return original.get_data(_full_name(namespace, package), resource)

    def walk_packages(
        path: object = None, prefix: str = "", onerror: Callable[[str], object] | None = None
    ) -> Iterator[Any]:
        own = namespace.prefix if prefix and owns(namespace, prefix.rstrip(".")) else ""
        for info in original.walk_packages(path, own + prefix, onerror):
            yield info._replace(name=info.name[len(own) :])

    def resolve_name(name: str) -> object:
        own = owns(namespace, name.partition(":")[0])
        return original.resolve_name(namespace.prefix + name if own else name)

    return {"get_data": get_data, "walk_packages": walk_packages, "resolve_name": resolve_name}


def _pydoc(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    def locate(path: str, forceload: bool = False) -> object:
        return original.locate(_full_name(namespace, path), forceload)

    return {"locate": locate}


def _pickle(namespace: Namespace, original: Any) -> Replacements:  # noqa: ANN401
    class Unpickler(original.Unpickler):  # type: ignore[misc]
        """An unpickler that finds the repo's modules."""

        def find_class(self, module: str, name: str) -> object:
            if not owns(namespace, module):
                return super().find_class(module, name)
            try:
                found = import_own(namespace, module)
            except ModuleNotFoundError:
                # Some code puts old names into sys.modules by hand to load its old files.
                if module not in sys.modules:
                    raise
                return super().find_class(module, name)
            return functools.reduce(getattr, name.split("."), found)

    def load(file: object, **options: object) -> object:
        return Unpickler(file, **options).load()

    def loads(data: bytes, /, **options: object) -> object:
        import io

        return Unpickler(io.BytesIO(data), **options).load()

    return {"Unpickler": Unpickler, "load": load, "loads": loads}


def _full_name(namespace: Namespace, name: str) -> str:
    return namespace.prefix + name if owns(namespace, name) else name


def _with_own_package(
    namespace: Namespace, function: Callable[..., object]
) -> Callable[..., object]:
    @functools.wraps(function)
    def with_own_package(package: object, *args: object, **kwargs: object) -> object:
        if isinstance(package, str) and owns(namespace, package):
            package = import_own(namespace, package)
        return function(package, *args, **kwargs)

    return with_own_package


_MAKERS: dict[str, Callable[[Namespace, Any], Replacements]] = {
    "builtins": lambda _namespace, _original: {},
    "importlib": _importlib,
    "importlib.resources": _importlib_resources,
    "importlib.util": _importlib_util,
    "pickle": _pickle,
    "pkgutil": _pkgutil,
    "pydoc": _pydoc,
    "sys": lambda namespace, _original: {ATTRIBUTE: SysModules(namespace)},
}
