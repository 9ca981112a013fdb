"""``sys.modules`` as a repo's code sees it: its own modules under the names that it calls them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubkit.runtime.namespace import Namespace

NAME = "modules"


class LoadedModules(MutableMapping[str, ModuleType]):
    """A view of ``sys.modules``, in which a repo's own modules come first.

    Args:
        namespace: The repo's.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def __getitem__(self, name: str) -> ModuleType:
        return sys.modules[self._key(name)]

    def __setitem__(self, name: str, module: ModuleType) -> None:
        key, prefix = self._key(name), self._namespace.prefix
        is_new = key == name and not name.startswith(prefix)
        if is_new and str(getattr(module, "__name__", "")).startswith(prefix):
            self._namespace.take_in(name, module)
        else:
            sys.modules[key] = module

    def __delitem__(self, name: str) -> None:
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
        return f"<modules seen by {self._namespace.root}>"

    def copy(self) -> dict[str, ModuleType]:
        """All of them."""
        return dict(self)

    def _key(self, name: str) -> str:
        own = f"{self._namespace.prefix}{name}"
        return own if own in sys.modules else name


def reads_loaded_modules(code: CodeType) -> bool:
    """Whether code has to do with something called ``modules``, as ``sys.modules`` is."""
    if NAME in code.co_names:
        return True
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return any(map(reads_loaded_modules, inner))
