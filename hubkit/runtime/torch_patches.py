"""Patches of ``torch.hub``, ``torch.load``, ``torch.library`` and Dynamo for a repo's code.

Published hubconfs call ``torch.hub.load``, ``load_state_dict_from_url`` and the like, and read
checkpoints that name their own modules. Attributes of ``torch`` cannot be replaced for some callers
only, since repo code needs the real module (``isinstance``, ``torch.jit`` and speed depend on it).
So these few functions are wrapped in place, once, when a repo is first imported. A wrapper checks
who calls it. If a repo's code does, it calls the loader's functions; otherwise it calls the original
with the same arguments, unless the caller used `redirect`. Names that modules bound before (``from
torch.hub import load``) are bound to the wrapper too. Nothing is ever unwrapped, as that would race
with other threads; wrappers have the original's signature and docstring, and the original as
``__wrapped__``.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.module_proxies import find_proxy
from hubkit.runtime.namespace import ACTIVE, PREFIX, find_namespace_for, namespace_in, owns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, ModuleType

    from hubkit.runtime.namespace import Namespace

Function = Callable[..., Any]

_MARK = "__hubkit_patched__"
_NO_WEIGHTS_ONLY = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
# The names that torch's own modules bind the wrapped functions to.
TORCHS_NAMES = {
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "load_url",
    "set_dir",
}
_ALIASES_SINCE = (2, 6)  # the version of torch that can allow a class under another name
_lock = threading.Lock()
_safe_globals_lock = threading.RLock()  # torch has one list of safe globals for the whole process
_redirection: ContextVar[HubFunctions | None] = ContextVar("hubkit_redirection", default=None)
_global_redirection: HubFunctions | None = None
_hub_listeners: set[Callable[[], object]] = set()


class HubFunctions(Struct, frozen=True):
    """The functions that a repo's calls of ``torch.hub`` call, each with torch's signature."""

    load: Function
    list: Function
    help: Function
    load_state_dict_from_url: Function
    download_url_to_file: Function
    get_dir: Function
    set_dir: Function


def find_hub_for(frame: FrameType) -> HubFunctions | None:
    """The functions that a frame's call of ``torch.hub`` calls, or None for torch's own."""
    namespace, active = find_namespace_for(frame), ACTIVE.get()
    if active is not None and active.namespace is namespace:
        hub = active.hub
    else:
        hub = None if namespace is None else namespace.state.hub
    return hub or _redirection.get() or _global_redirection


@contextlib.contextmanager
def redirect(hub: HubFunctions) -> Iterator[None]:
    """Redirect calls of ``torch.hub`` in this thread or task.

    Args:
        hub: The functions to call instead. A repo that was loaded with its own keeps these.
    """
    token = _redirection.set(hub)
    try:
        yield
    finally:
        # An async generator may be closed by another task, in which nothing was redirected.
        with contextlib.suppress(ValueError):
            _redirection.reset(token)


def redirect_all(hub: HubFunctions | None) -> None:
    """Redirect calls of ``torch.hub`` in the whole process; None stops that."""
    global _global_redirection  # noqa: PLW0603 - it is about the process
    _global_redirection = hub


def after_hub_import(act: Callable[[], object]) -> None:
    """Call a function once ``torch.hub`` is imported; needs `hubkit.runtime.install_finder`."""
    _hub_listeners.add(act)


def patch_torch() -> None:
    """Patch the modules of torch that are imported already."""
    for name in PATCHES:
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            patch_module(module)


def patch_module(module: ModuleType) -> None:
    """Patch a module of torch that has been executed, once."""
    with _lock:
        if _MARK not in vars(module):
            vars(module)[_MARK] = True
            PATCHES[module.__name__](module)


def _patch_hub(hub: ModuleType) -> None:
    """Wrap the functions of torch.hub, and ``torch.load``, which exists by then."""
    wrappers: dict[Function, Function] = {}
    for name in HubFunctions.__struct_fields__:
        original = getattr(hub, name)
        wrappers[original] = _wrap_hub_function(name, original)
    serialization = sys.modules.get("torch.serialization")
    if serialization is not None and hasattr(serialization, "load"):
        wrappers[serialization.load] = _wrap_load(serialization.load)
    _rebind(wrappers)
    for act in [*_hub_listeners]:
        act()


def _rebind(wrappers: dict[Function, Function]) -> None:
    """Replace functions by their wrappers in all modules.

    Comparing by identity calls nothing of the values, which may be lazy or odd. Looking at each
    value of torch's thousand modules would take longer than the rest of the load.
    """
    by_id = {id(original): wrapper for original, wrapper in wrappers.items()}
    is_unused = by_id.keys().isdisjoint
    for full_name, module in [*sys.modules.items()]:
        variables = getattr(module, "__dict__", None)
        top = full_name.partition(".")[0]
        if not isinstance(variables, dict) or top in sys.stdlib_module_names:
            continue
        if top == "torch":
            values = {name: variables[name] for name in variables.keys() & TORCHS_NAMES}
        else:
            values = variables.copy()  # other threads may import
        if not is_unused(map(id, values.values())):
            variables.update(
                {name: by_id[id(value)] for name, value in values.items() if id(value) in by_id}
            )


def _wrap_hub_function(name: str, original: Function) -> Function:
    @functools.wraps(original)
    def function(*args: object, **kwargs: object) -> object:
        hub = find_hub_for(sys._getframe(1))  # noqa: SLF001
        return (getattr(hub, name) if hub else original)(*args, **kwargs)

    return function


# torch.load


def _wrap_load(original: Function) -> Function:
    """``torch.load`` that finds the classes of pickled objects in the calling repo.

    Classes of repos that somebody declared safe are safe under the names in the repo's files.
    """

    @functools.wraps(original)
    def load(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        namespace = None
        if len(args) < 3 and kwargs.get("pickle_module") is None:
            namespace = find_namespace_for(sys._getframe(1))  # noqa: SLF001
        if not _loads_any_object(kwargs):
            with _unprefixed_safe_globals(namespace):
                return original(*args, **kwargs)
        if namespace is None:
            return original(*args, **kwargs)
        return original(*args, **{**kwargs, "pickle_module": find_proxy(namespace, "pickle")})

    return load


def _loads_any_object(options: dict[str, Any]) -> bool:
    """Whether ``torch.load`` would make any object that a file names."""
    weights_only = options.get("weights_only")
    if weights_only is None:
        # The default became True in torch 2.6; the variable undoes that.
        return _torch_version() < (2, 6) or os.environ.get(_NO_WEIGHTS_ONLY, "").lower() in (
            "1",
            "y",
            "yes",
            "true",
        )
    return not weights_only


@contextlib.contextmanager
def _unprefixed_safe_globals(namespace: Namespace | None) -> Iterator[None]:
    """Make safe globals of repos safe under their names without the prefix too.

    Args:
        namespace: The repo's whose code reads the file; None for other code, which may read those
            of all repos, if only one of them has declared the name safe.
    """
    own = _find_own_safe(namespace.prefix if namespace else PREFIX) if _has_aliases() else []
    if not own:
        yield
        return
    from torch.serialization import safe_globals

    with _safe_globals_lock, safe_globals(own):
        yield


def _find_own_safe(prefix: str) -> list[Function | tuple[Function, str]]:
    from torch.serialization import get_safe_globals

    found: dict[str, list[Function]] = {}
    for safe in get_safe_globals():
        module = str(getattr(safe, "__module__", ""))
        if not isinstance(safe, tuple) and module.startswith(prefix):
            name = module[len(PREFIX) :].partition(".")[2]
            found.setdefault(f"{name}.{safe.__qualname__}", []).append(safe)
    return [(safe[0], name) for name, safe in found.items() if len(safe) == 1]


def _has_aliases() -> bool:
    return "torch.serialization" in sys.modules and _torch_version() >= _ALIASES_SINCE


def _torch_version() -> tuple[int, ...]:
    import torch

    return tuple(map(int, torch.__version__.split(".")[:2]))


# torch.compile


def _patch_dynamo(symbolic_convert: ModuleType) -> None:
    """Keep ``torch.compile`` from resolving a repo's imports as the caller's.

    While it traces a function, Dynamo imports what the function imports, with an ``__import__``
    that ignores namespaces, and would compile the caller's ``utils`` into the graph. For names that
    are the repo's, its import fails; then it leaves the statement to Python.
    """

    def import_for_tracing(name: str, *args: Any, **kwargs: Any) -> ModuleType:  # noqa: ANN401
        variables = kwargs.get("globals") or {}
        namespace = namespace_in(variables.get("__builtins__"))
        if (
            namespace
            and not kwargs.get("level")
            and owns(namespace, name, kwargs["fromlist"] or ())
        ):
            raise ImportError(f"{name} is a module of {namespace.root}", name=name)
        return builtins.__import__(name, *args, **kwargs)

    vars(symbolic_convert)["__import__"] = import_for_tracing
    rules = sys.modules.get("torch._dynamo.trace_rules")
    if rules is not None and hasattr(rules, "add"):
        rules.add("hubkit")  # our own functions must not be traced either


def _patch_library(library: ModuleType) -> None:
    from hubkit.runtime.operators import patch_library

    patch_library(library)


def _patch_custom_ops(custom_ops: ModuleType) -> None:
    from hubkit.runtime.operators import patch_custom_ops

    patch_custom_ops(custom_ops)


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "torch.hub": _patch_hub,
    "torch._dynamo.symbolic_convert": _patch_dynamo,
    "torch._library.custom_ops": _patch_custom_ops,
    "torch.library": _patch_library,
}
