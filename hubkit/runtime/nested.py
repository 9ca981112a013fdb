"""What ``torch.hub`` and ``torch.load`` mean to a repo's code.

Published hubconfs call ``torch.hub.load``, ``load_state_dict_from_url`` and the like themselves,
and read checkpoints that name their own modules. Attributes of ``torch`` cannot be replaced for
some callers only, since repo code has to see the real module (``isinstance``, ``torch.jit`` and
speed depend on it). So these few functions are wrapped in place, once, when a repo is imported.
A wrapper looks who calls: for a repo's code it goes to the functions that the loader has given,
for everybody else straight to the original, with the arguments untouched, unless the caller asked
for ``redirect``. Names that modules bound before (``from torch.hub import load``) are bound to the
wrapper too. Nothing is ever unwrapped, as that would race with other threads; wrappers have the
original's signature and docstring, and the original as ``__wrapped__``.
"""

from __future__ import annotations

import builtins
import functools
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.context import find_hub_for, namespace_in
from hubkit.runtime.unpickling import wrap_torch_load

if TYPE_CHECKING:
    from types import ModuleType

Function = Callable[..., Any]

_lock = threading.Lock()
_MARK = "__hubkit_wrapped__"


class HubFunctions(Struct, frozen=True):
    """The functions that a repo's calls of ``torch.hub`` go to, each with torch's signature."""

    load: Function
    list: Function
    help: Function
    load_state_dict_from_url: Function
    download_url_to_file: Function
    get_dir: Function
    set_dir: Function


def wrap_torch() -> None:
    """Wrap the functions in those modules that are there already."""
    for name in WRAPPERS:
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            wrap_module(module)


def wrap_module(module: ModuleType) -> None:
    """Wrap the functions in a module of torch that has been executed, once."""
    with _lock:
        if _MARK not in vars(module):
            vars(module)[_MARK] = True
            WRAPPERS[module.__name__](module)


def _wrap_hub(hub: ModuleType) -> None:
    """Wrap the functions of torch.hub, and ``torch.load``, which is there by then."""
    wrappers: dict[Function, Function] = {}
    for name in HubFunctions.__struct_fields__:
        original = getattr(hub, name)
        wrappers[original] = _wrap_hub_function(name, original)
    serialization = sys.modules.get("torch.serialization")
    if serialization is not None and hasattr(serialization, "load"):
        wrappers[serialization.load] = wrap_torch_load(serialization.load)
    _rebind(wrappers)


def _rebind(wrappers: dict[Function, Function]) -> None:
    """Give every module that has bound a function its wrapper, the function's home included.

    Comparing by identity asks nothing of the values, which may be lazy or odd.
    """
    by_id = {id(original): wrapper for original, wrapper in wrappers.items()}
    for module in [*sys.modules.values()]:
        variables = getattr(module, "__dict__", None)
        if isinstance(variables, dict):
            for name, value in [*variables.items()]:
                wrapper = by_id.get(id(value))
                if wrapper is not None:
                    variables[name] = wrapper


def _wrap_hub_function(name: str, original: Function) -> Function:
    @functools.wraps(original)
    def function(*args: object, **kwargs: object) -> object:
        hub = find_hub_for(sys._getframe(1))  # noqa: SLF001
        return (getattr(hub, name) if hub else original)(*args, **kwargs)

    return function


def _wrap_dynamo(symbolic_convert: ModuleType) -> None:
    """Keep ``torch.compile`` from resolving a repo's imports as if they were anybody's.

    While it traces a function, Dynamo imports what the function imports, with an ``__import__``
    that knows no repo, and would compile the caller's ``utils`` into the graph. For names that
    are the repo's it is told that it cannot; then it leaves the statement to Python.
    """

    def import_for_tracing(name: str, *args: Any, **kwargs: Any) -> ModuleType:  # noqa: ANN401
        variables = kwargs.get("globals") or {}
        namespace = namespace_in(variables.get("__builtins__"))
        if namespace and not kwargs.get("level") and namespace.owns(name, kwargs["fromlist"] or ()):
            raise ImportError(f"{name} is a module of {namespace.root}", name=name)
        return builtins.__import__(name, *args, **kwargs)

    vars(symbolic_convert)["__import__"] = import_for_tracing
    rules = sys.modules.get("torch._dynamo.trace_rules")
    if rules is not None and hasattr(rules, "add"):
        rules.add("hubkit")  # our own functions are not to be traced either


WRAPPERS: dict[str, Callable[[ModuleType], None]] = {
    "torch.hub": _wrap_hub,
    "torch._dynamo.symbolic_convert": _wrap_dynamo,
}
