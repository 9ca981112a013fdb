"""What a repo's hubconf replaces in installed packages that other loaded repos use.

A registry of a library, such as timm's of models, has one entry of a name, and a function of a
library may be replaced. Then other repos get the new one when they look it up. That is what the
code asks for, and no repo can have a copy of its own; but it is not to happen silently.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections import OrderedDict, defaultdict
from types import FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.runtime.namespace import Namespace

_MAPPINGS = (dict, OrderedDict, defaultdict)  # others may import things when they are read
_VALUES = (*_MAPPINGS, FunctionType, ModuleType, bool, bytes, float, int, list, set, str, tuple)
_LARGEST = 20_000  # entries; tables of data are no registries
_MOST_SHOWN = 3
# Of what torch lets one set for the process, that on which results depend.
_SETTINGS = (
    "torch.get_default_dtype()",
    "torch.get_default_device()",
    "torch.is_grad_enabled()",
    "torch.get_float32_matmul_precision()",
)


class _Saved(Struct, frozen=True):
    """A mapping, and what was in it.

    Attributes:
        name: What one would write to see it; for variables of a module or class, that.
        is_registry: Whether entries are written ``name["key"]`` rather than ``name.key``.
        mapping: The mapping.
        entries: Its entries before.
    """

    name: str
    is_registry: bool
    mapping: dict[Any, Any] | MappingProxyType[str, Any]
    entries: dict[Any, Any]

    def spell(self, key: object) -> str:
        """What one would write to see an entry."""
        return f"{self.name}[{key!r}]" if self.is_registry else f"{self.name}.{key}"


@contextlib.contextmanager
def watch_replacements(namespace: Namespace, others: Sequence[Namespace]) -> Iterator[None]:
    """Warn if a repo's code replaces what other repos may use, or changes settings of torch.

    Args:
        namespace: The repo whose hubconf is imported.
        others: Loaded repos.
    """
    from hubkit.runtime.sandbox.state import find_changes, save_state

    saved, settings = _save_mappings(others), save_state()
    yield
    settings = {name: value for name, value in settings.items() if name in _SETTINGS}
    found = [f"{change.name}, which was {change.before}," for change in find_changes(settings)]
    found += _find_replaced(namespace, saved, others)
    if found:
        shown = ", ".join(found[:_MOST_SHOWN])
        more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        warnings.warn(
            f"{namespace.label} replaces {shown}{more} in the whole process. Models of"
            f" {', '.join(dict.fromkeys(one.label for one in others))} may use that. To be sure, load"
            " each in a process of its own.",
            stacklevel=2,
        )


def _save_mappings(others: Sequence[Namespace]) -> list[_Saved]:
    """What modules, classes and registries hold in the packages that some repos import."""
    own = [item for other in others for item in other.state.own.copy().items()]
    packages = {name for name, is_own in own if not is_own} - sys.stdlib_module_names
    saved: dict[int, _Saved] = {}
    for name, module in sys.modules.copy().items():
        top = name.partition(".")[0]
        is_used = top in packages and (top != "torch" or f"{name}.".startswith("torch.nn."))
        if is_used and isinstance(module, ModuleType):
            for one in _find_mappings(name, vars(module).copy(), vars(module)):
                saved.setdefault(id(one.mapping), one)
    return [*saved.values()]


def _find_mappings(
    module: str, variables: dict[str, Any], live: dict[str, Any]
) -> Iterator[_Saved]:
    yield _Saved(module, False, live, variables)
    for name, value in variables.items():
        full, kind = f"{module}.{name}", type(value)
        if kind in _MAPPINGS:
            yield from _find_registry(full, value)
        elif issubclass(kind, type):
            if value.__module__ == module:
                yield _Saved(full, False, vars(value), vars(value).copy())
        elif kind not in _VALUES and kind.__module__ != "builtins":
            for attribute, inner in _attributes(value).items():
                if type(inner) in _MAPPINGS:
                    yield from _find_registry(f"{full}.{attribute}", inner)


def _find_registry(name: str, mapping: dict[Any, Any]) -> Iterator[_Saved]:
    if len(mapping) < _LARGEST and not name.rpartition(".")[2].startswith("__"):
        yield _Saved(name, True, mapping, mapping.copy())


def _attributes(value: object) -> dict[str, Any]:
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes.copy() if type(attributes) is dict else {}


def _find_replaced(
    namespace: Namespace, saved: Sequence[_Saved], others: Sequence[Namespace]
) -> Iterator[str]:
    """The entries that hold something of a repo's code now, and held something else."""
    prefixes = {other.prefix: other.label for other in others}
    for one in saved:
        for key, value in one.mapping.copy().items():
            before = one.entries.get(key)
            is_replaced = before is not None and before is not value
            if is_replaced and _module_of(value).startswith(namespace.prefix):
                package = ".".join(_module_of(before).split(".")[:3]) + "."
                label = prefixes.get(package)
                yield one.spell(key) + (f" of {label}" if label else "")


def _module_of(value: object) -> str:
    kind = type(value)
    holder = value if kind is FunctionType or issubclass(kind, type) else kind
    return str(getattr(holder, "__module__", ""))
