"""While a repo's code runs, and what is put right afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard

from hubkit.runtime import bare
from hubkit.runtime.compiled import explain_not_built
from hubkit.runtime.context import ACTIVE, Activation
from hubkit.runtime.naming import PREFIX
from hubkit.runtime.nested import wrap_torch
from hubkit.runtime.statements import hide_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.runtime.namespace import Namespace
    from hubkit.runtime.nested import HubFunctions


@contextlib.contextmanager
def activate(namespace: Namespace, hub: HubFunctions | None) -> Iterator[None]:
    """Run code on a repo's behalf in this thread.

    Args:
        namespace: The repo's.
        hub: What its calls of ``torch.hub`` go to; None leaves them to torch.
    """
    wrap_torch()
    namespace.take_over_builtins()
    path, modules = sys.path.copy(), sys.modules.copy()
    if namespace.callers_path is None:
        namespace.callers_path = frozenset(path)
    token = ACTIVE.set(Activation(namespace, hub))
    bare.begin()
    try:
        yield
    except Exception as error:
        hide_imports(error)
        if isinstance(error, ImportError):
            namespace.clean(error)
        not_built = explain_not_built(error, namespace)
        if not_built is None:
            raise
        raise not_built from error
    finally:
        ACTIVE.reset(token)
        bare.end()
        _take_in_modules(namespace, path, modules)
        _take_in_path(namespace, path)


def _take_in_path(namespace: Namespace, before: list[str]) -> None:
    """Move what the repo has put on ``sys.path`` to its own search path.

    Folders of the tree are its for sure, and relative ones are nobody else's: those of a script
    that is started in its own folder, which for a consumer is any folder. Other threads may have
    added others meanwhile.
    """
    if sys.path == before:
        return
    namespace.adopt_search_path()
    known = set(before)
    for entry in sys.path.copy():
        if entry not in known and (not os.path.isabs(entry) or namespace.holds(entry)):  # noqa: PTH117
            with contextlib.suppress(ValueError):
                sys.path.remove(entry)


def _take_in_modules(namespace: Namespace, path: list[str], before: dict[str, ModuleType]) -> None:
    """Move modules of the tree that have come into ``sys.modules`` under bare names.

    Repo code puts them there by hand, or library code imports them from folders that it has put
    on ``sys.path``. A module of somebody else's that one has replaced is put back. When the caller
    has the tree on ``sys.path``, they are the caller's.
    """
    new = [name for name, module in [*sys.modules.items()] if before.get(name) is not module]
    if not new or any(namespace.holds(entry) for entry in path):
        return
    for name in new:
        module, replaced = sys.modules.get(name), before.get(name)
        if _is_of(module, namespace) and not name.startswith(PREFIX):
            if replaced is None or type(replaced) is bare.StandIn:
                del sys.modules[name]
            else:
                sys.modules[name] = replaced
            namespace.take_in(name, module)


def _is_of(module: object, namespace: Namespace) -> TypeGuard[ModuleType]:
    if not isinstance(module, ModuleType) or type(module) is bare.StandIn:
        return False
    own = vars(module)
    if str(own.get("__name__")).startswith(namespace.prefix):
        return True
    return str(own.get("__file__")).startswith(str(namespace.root)) and namespace.holds(
        own["__file__"]
    )
