"""``torch.load`` for a repo's code, whose files name its classes as its authors do."""

from __future__ import annotations

import functools
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hubkit.runtime.context import find_namespace_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime.namespace import Namespace

    Function = Callable[..., Any]

_FORCE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
_ALIASES_SINCE = (2, 6)  # version of torch that takes a class as safe under another name
_lock = threading.RLock()  # torch keeps one list of what is safe for the whole process


def wrap_torch_load(original: Function) -> Function:
    """``torch.load`` that finds the classes of pickled objects in the repo that asks for them.

    Those that the repo's code has declared safe are safe by the names that its files call them.
    """

    @functools.wraps(original)
    def load(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        namespace = None
        if len(args) < 3 and kwargs.get("pickle_module") is None:
            namespace = find_namespace_for(sys._getframe(1))  # noqa: SLF001
        if namespace is None:
            return original(*args, **kwargs)
        if _unpickles(kwargs):
            return original(*args, **{**kwargs, "pickle_module": namespace.view("pickle")})
        with _safe_by_own_names(namespace):
            return original(*args, **kwargs)

    return load


def _unpickles(options: dict[str, Any]) -> bool:
    """Whether ``torch.load`` would make any object that a file asks for."""
    weights_only = options.get("weights_only")
    if weights_only is None:
        # The default became True in torch 2.6; the variable takes that back.
        return _version() < (2, 6) or os.environ.get(_FORCE, "").lower() in (
            "1",
            "y",
            "yes",
            "true",
        )
    return not weights_only


@contextmanager
def _safe_by_own_names(namespace: Namespace) -> Iterator[None]:
    """What is safe of a repo's, safe under its bare name too."""
    own = list(_own_names(namespace)) if _version() >= _ALIASES_SINCE else []
    if not own:
        yield
        return
    from torch.serialization import safe_globals

    with _lock, safe_globals(own):
        yield


def _own_names(namespace: Namespace) -> Iterator[Function | tuple[Function, str]]:
    from torch.serialization import get_safe_globals

    for safe in get_safe_globals():
        home = str(getattr(safe, "__module__", ""))
        if not isinstance(safe, tuple) and home.startswith(namespace.prefix):
            yield safe, f"{home[len(namespace.prefix) :]}.{safe.__qualname__}"


def _version() -> tuple[int, ...]:
    import torch

    return tuple(map(int, torch.__version__.split(".")[:2]))
