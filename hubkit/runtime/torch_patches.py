"""Patches of ``torch.hub``, ``torch.load``, ``torch.library`` and Dynamo for a repo's code.

Published hubconfs call ``torch.hub.load``, ``load_state_dict_from_url`` and the like, and read
checkpoints that name their own modules. Attributes of ``torch`` cannot be replaced for some callers
only, since repo code needs the real module (``isinstance``, ``torch.jit`` and speed depend on it).
So these few functions get other code, once, when a repo is first imported: it looks who calls. If a
repo's code does, or a caller that used `redirect`, it calls the loader's functions; otherwise
torch's own, which is ``__wrapped__``. The function objects stay the same, so whoever has bound one
(``from torch.hub import load``, a ``functools.partial``) calls the new code too, and a
``mock.patch`` restores what it found. Nothing is ever undone, as that would race with other threads.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import operator
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType
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
# What torch's own functions call of torch.hub. While somebody has replaced one of these, as tests do
# with mock.patch, torch's own function runs, so that the replacement has an effect. Not among them is
# _validate_not_a_forked_repo, which many programs disable for good to save requests.
_FETCHES = ("urlopen", "download_url_to_file", "_get_cache_or_reload", "_parse_repo_info")
_DOWNLOADS = ("urlopen", "tqdm")
_SOURCES = frozenset({"urlopen", "download_url_to_file", "_get_cache_or_reload"})  # of files
_CALLED: dict[str, tuple[str, ...]] = {
    "load": _FETCHES,
    "list": _FETCHES,
    "help": _FETCHES,
    "_get_cache_or_reload": ("urlopen", "download_url_to_file", "_parse_repo_info"),
    "_parse_repo_info": ("urlopen",),
    "load_state_dict_from_url": (*_DOWNLOADS, "download_url_to_file"),
    "download_url_to_file": _DOWNLOADS,
}
_ALIASES_SINCE = (2, 6)  # the version of torch that can allow a class under another name
_lock = threading.Lock()
_safe_globals_lock = threading.RLock()  # torch has one list of safe globals for the whole process
_redirection: ContextVar[HubFunctions | None] = ContextVar("hubkit_redirection", default=None)
_global_redirection: HubFunctions | None = None
_hub_listeners: set[Callable[[], object]] = set()
_functions: dict[str, Function] = {}  # torch.hub's, which have our code
_in_replacement: ContextVar[bool] = ContextVar("hubkit_in_replacement", default=False)


class HubFunctions(Struct, frozen=True):
    """The functions that a repo's calls of ``torch.hub`` call, each with torch's signature."""

    load: Function
    list: Function
    help: Function
    load_state_dict_from_url: Function
    download_url_to_file: Function
    get_dir: Function
    set_dir: Function
    _get_cache_or_reload: Function
    _parse_repo_info: Function


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
    """Give other code to the functions of torch.hub, and to ``torch.load``, which exists by then."""
    for name in HubFunctions.__struct_fields__:
        function = _find_function(hub, name)
        if function is not None:
            _functions[name] = function
            _take_over(function, functools.partial(_call_hub_function, hub, name))
    serialization = sys.modules.get("torch.serialization")
    load = getattr(serialization, "load", None)
    if isinstance(load, FunctionType):
        _take_over(load, _call_torch_load)
    for act in [*_hub_listeners]:
        act()


def _find_function(hub: ModuleType, name: str) -> FunctionType | None:
    """A function of torch.hub itself, even if something else has its name now, such as a mock."""
    if is_own_function(hub, name):
        return vars(hub)[name]  # type: ignore[no-any-return]
    import gc

    for found in gc.get_referrers(vars(hub)):
        if isinstance(found, FunctionType) and found.__name__ == name:
            return found
    return None


def _take_over(function: FunctionType, act: Callable[..., object]) -> None:
    """Give a function other code, which calls ``act(original, caller's frame, args, kwargs)``.

    ``original`` is a new function with the code that it had. inspect finds its signature there.
    """
    original = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    original.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(original, function)
    del vars(original)["__wrapped__"]  # it would lead back to the function
    code = _forward.__code__
    handler = functools.partial(act, original)
    constants = tuple(handler if one == _HANDLER else one for one in code.co_consts)
    # Threads may call it meanwhile: with the new code, its defaults do not matter.
    function.__wrapped__ = original  # type: ignore[attr-defined]
    function.__code__ = code.replace(co_consts=constants, co_name=function.__name__)


_HANDLER = "hubkit's handler"


def _forward(*args: object, **kwargs: object) -> object:
    # It runs with the globals of the function that has its code, so the handler is a constant of it.
    import sys

    handler: Any = "hubkit's handler"
    return handler(sys._getframe(1), args, kwargs)  # noqa: SLF001


def _call_hub_function(
    torch_hub: ModuleType,
    name: str,
    original: Function,
    frame: FrameType,
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> object:
    current = vars(torch_hub)[name]
    if current is not _functions[name] and _is_for_repo(current, frame):
        # In torch.hub, hubconf.py runs at each load, and would bind what is there now.
        token = _in_replacement.set(True)
        try:
            return current(*args, **kwargs)
        finally:
            _in_replacement.reset(token)
    hub = find_hub_for(frame)
    runs_torchs = hub is None or _runs_torchs(torch_hub, name, frame)
    return (original if runs_torchs else getattr(hub, name))(*args, **kwargs)


def _runs_torchs(torch_hub: ModuleType, name: str, frame: FrameType) -> bool:
    """Whether torch's own function runs, because it calls something that somebody has replaced.

    A lock file holds all the same, and no setting opens a socket where none may be opened.
    """
    replaced = [one for one in _CALLED.get(name, ()) if not is_own_function(torch_hub, one)]
    if not replaced:
        return False
    namespace = find_namespace_for(frame)
    if os.environ.get("HUBKIT_LOCKFILE") or (namespace and namespace.policy.lock is not None):
        return False
    is_offline = os.environ.get("HUBKIT_OFFLINE", "").lower() not in ("", "0", "false")
    return not is_offline or not _SOURCES.isdisjoint(replaced)


def _is_for_repo(replacement: object, frame: FrameType) -> bool:
    """Whether a repo's code calls a function that somebody else has replaced."""
    if _in_replacement.get() or namespace_in(frame.f_builtins) is None:
        return False
    variables = getattr(replacement, "__globals__", {})
    return namespace_in(variables.get("__builtins__")) is None


def is_own_function(hub: ModuleType, name: str) -> bool:
    """Whether torch.hub has its own function of a name, and nobody has replaced it."""
    value = vars(hub).get(name)
    if name == "tqdm":
        return getattr(value, "__module__", "") in ("tqdm.std", hub.__name__)
    # A copy of a function's name and module, such as a mock's, has other globals.
    home = "urllib.request" if name == "urlopen" else hub.__name__
    return isinstance(value, FunctionType) and value.__globals__.get("__name__") == home


def unbind_replacements(prefix: str) -> None:
    """Bind torch.hub's own functions where a repo's modules have bound replacements of them.

    A mock is there for one test; the modules stay. While it is there, they get it all the same.

    Args:
        prefix: The start of the modules' names.
    """
    hub = getattr(sys.modules.get("torch.hub"), "__dict__", {})
    if all(map(operator.is_, map(hub.get, _functions), _functions.values())):
        return  # after each call of an entrypoint
    replaced = {
        id(hub[name]): own
        for name, own in _functions.items()
        if name in hub and hub[name] is not own
    }
    for full_name, module in sys.modules.copy().items():
        if full_name.startswith(prefix):
            variables = vars(module)
            found = {key: value for key, value in variables.items() if id(value) in replaced}
            variables.update({key: replaced[id(value)] for key, value in found.items()})


# torch.load


def _call_torch_load(
    original: Function, frame: FrameType, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> object:
    """Call ``torch.load`` so that it finds the classes of pickled objects in the calling repo.

    Classes of repos that somebody declared safe are safe under the names in the repo's files.
    """
    namespace = None
    if len(args) < 3 and kwargs.get("pickle_module") is None:
        namespace = find_namespace_for(frame)
    if not _loads_any_object(kwargs):
        with _unprefixed_safe_globals(namespace):
            return original(*args, **kwargs)
    if namespace is None:
        return original(*args, **kwargs)
    return original(*args, **{**kwargs, "pickle_module": find_proxy(namespace, "pickle")})


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
