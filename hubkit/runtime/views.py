"""Modules of the standard library that take module names, as a repo's code sees them.

``importlib.import_module("models.net")`` and ``pickle.load`` look names up in ``sys.modules``,
which the whole process shares. A repo's code is handed a view of these modules instead, whose
functions know the repo; all else in them is the original's.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hubkit.runtime.loaded import NAME, LoadedModules
from hubkit.runtime.loading import own_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime.namespace import Namespace

Own = dict[str, object]

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


class View(ModuleType):
    """A module of which some names are replaced.

    Args:
        module: The original.
        namespace: Whose view it is.
        own: What is replaced.
    """

    def __init__(self, module: ModuleType, namespace: Namespace, own: Own) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(own, __spec__=module.__spec__)
        vars(self).update(__hubkit_original__=module, __hubkit_namespace__=namespace)

    def __getattr__(self, name: str) -> object:
        value = getattr(vars(self)["__hubkit_original__"], name)
        if isinstance(value, ModuleType):
            return vars(self)["__hubkit_namespace__"].view(value.__name__) or value
        return value

    def __dir__(self) -> list[str]:
        return dir(vars(self)["__hubkit_original__"])


class SysView(View):
    """``sys``, whose ``modules`` are those that the repo sees; what is put there is put there."""

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["__hubkit_original__"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["__hubkit_original__"], name)


class BuiltinsView(View):
    """``builtins``, of which a repo's code has a copy: what it puts there is to be seen by it."""

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["__hubkit_original__"], name, value)
        vars(self)["__hubkit_namespace__"].take_over_builtins()

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["__hubkit_original__"], name)
        vars(self)["__hubkit_namespace__"].builtins.pop(name, None)


def make_view(name: str, namespace: Namespace) -> ModuleType | None:
    """A repo's view of a module, or None when it is to see the original."""
    make = _MAKERS.get(name)
    if make is None:
        return None
    module = importlib.import_module(name)
    view = {"builtins": BuiltinsView, "sys": SysView}.get(name, View)
    return view(module, namespace, make(namespace, module))


def _importlib(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name.startswith("."):
            name = importlib.util.resolve_name(name, package or "")
        if namespace.owns(name):
            return namespace.import_module(name)
        module: ModuleType = original.import_module(name)
        return module

    return {"import_module": import_module}


def _importlib_util(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    def find_spec(name: str, package: str | None = None) -> object:
        if name.startswith("."):
            name = original.resolve_name(name, package or "")
        return original.find_spec(namespace.prefix + name if namespace.owns(name) else name)

    def spec_from_file_location(name: str, *args: object, **kwargs: object) -> object:
        spec = original.spec_from_file_location(name, *args, **kwargs)
        if spec is not None and spec.origin and namespace.holds(spec.origin):
            spec.loader = own_loader(spec.loader, namespace)
        return spec

    return {"find_spec": find_spec, "spec_from_file_location": spec_from_file_location}


def _importlib_resources(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    return {
        name: _with_own_package(namespace, getattr(original, name))
        for name in _RESOURCE_FUNCTIONS
        if hasattr(original, name)
    }


def _pkgutil(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    def get_data(package: str, resource: str) -> object:
        own = namespace.owns(package)
        return original.get_data(namespace.prefix + package if own else package, resource)

    def walk_packages(
        path: object = None, prefix: str = "", onerror: Callable[[str], object] | None = None
    ) -> Iterator[Any]:
        own = namespace.prefix if prefix and namespace.owns(prefix.rstrip(".")) else ""
        for info in original.walk_packages(path, own + prefix, onerror):
            yield info._replace(name=info.name[len(own) :])

    def resolve_name(name: str) -> object:
        own = namespace.owns(name.partition(":")[0])
        return original.resolve_name(namespace.prefix + name if own else name)

    return {"get_data": get_data, "walk_packages": walk_packages, "resolve_name": resolve_name}


def _pydoc(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    def locate(path: str, forceload: bool = False) -> object:
        own = namespace.owns(path)
        return original.locate(namespace.prefix + path if own else path, forceload)

    return {"locate": locate}


def _pickle(namespace: Namespace, original: Any) -> Own:  # noqa: ANN401
    class Unpickler(original.Unpickler):  # type: ignore[misc]
        """An unpickler that knows the repo's modules."""

        def find_class(self, module: str, name: str) -> object:
            if not namespace.owns(module):
                return super().find_class(module, name)
            try:
                home = namespace.import_module(module)
            except ModuleNotFoundError:
                # Some put old names into sys.modules by hand, so that their old files load.
                if module not in sys.modules:
                    raise
                return super().find_class(module, name)
            return functools.reduce(getattr, name.split("."), home)

    def load(file: object, **options: object) -> object:
        return Unpickler(file, **options).load()

    def loads(data: bytes, /, **options: object) -> object:
        import io

        return Unpickler(io.BytesIO(data), **options).load()

    return {"Unpickler": Unpickler, "load": load, "loads": loads}


def _with_own_package(
    namespace: Namespace, function: Callable[..., object]
) -> Callable[..., object]:
    @functools.wraps(function)
    def with_own_package(package: object, *args: object, **kwargs: object) -> object:
        if isinstance(package, str) and namespace.owns(package):
            package = namespace.import_module(package)
        return function(package, *args, **kwargs)

    return with_own_package


_MAKERS: dict[str, Callable[[Namespace, Any], Own]] = {
    "builtins": lambda _namespace, _original: {},
    "importlib": _importlib,
    "importlib.resources": _importlib_resources,
    "importlib.util": _importlib_util,
    "pickle": _pickle,
    "pkgutil": _pkgutil,
    "pydoc": _pydoc,
    "sys": lambda namespace, _original: {NAME: LoadedModules(namespace)},
}
