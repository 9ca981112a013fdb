"""What an import statement means in a repo's code.

Each statement is run through ``__import__`` each time, in a function that is called often too. So
what one led to is remembered, and taken as long as ``sys.modules`` still says the same. That needs
less than Python's own way: to see whether a module is a package asks each that is none for an
attribute it lacks.
"""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hubkit.runtime.namespace import Namespace

# Somebody else's may do more than import.
_PYTHONS = builtins.__import__ if type(builtins.__import__) is BuiltinFunctionType else None
_NOBODY = ModuleType("nobody")  # is never found in sys.modules
_IMPORTS: set[CodeType] = set()

Known = tuple[str, ModuleType, ModuleType, str, ModuleType, "Mapping[str, object] | None"]
"""What an import led to.

Key in ``sys.modules`` and the module there; what a statement with ``from`` is given, which is a
view where there is one; the same two of the topmost package, which one without is given; and where
the module is a package, its variables.
"""


class Importer(Protocol):
    """What ``builtins.__import__`` looks like."""

    def __call__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import a module."""


class Memory:
    """What a repo's import statements have led to.

    Attributes:
        absolute: By the name that is imported.
        relative: By package, level and name.
    """

    def __init__(self) -> None:
        self.absolute: dict[str, Known] = {}
        self.relative: dict[tuple[object, int, str], Known] = {}

    def clear(self) -> None:
        """Forget all; to be called when a name comes to mean something else."""
        self.absolute.clear()
        self.relative.clear()


def make_import(namespace: Namespace) -> Importer:  # noqa: C901 - see below
    """``__import__`` as a repo's code sees it."""
    # A closure, as each attribute of self would cost a good part of what there is to gain.
    absolute, relative = namespace.memory.absolute.get, namespace.memory.relative.get
    loaded = sys.modules.get

    # All in one function: its frame is on the stack for each import within an import, and each
    # call is paid for by each import.
    def import_(  # noqa: C901
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if not level:
            known = absolute(name)
        else:
            known = relative((globals.get("__package__"), level, name)) if globals else None
        if known is not None:
            key, module, given, top, whole, variables = known
            if loaded(key) is module and builtins.__import__ is _PYTHONS:
                if not fromlist:
                    if loaded(top) is whole:
                        return whole
                elif variables is None:
                    return given
                else:
                    for wanted in fromlist:
                        if wanted not in variables:
                            break
                    else:
                        return given
        if level:
            _require_inside(namespace, globals, level)
            own = False
        else:
            own = namespace.owns(name, fromlist or ())
        try:
            if own:
                full = namespace.prefix + name
                given = builtins.__import__(full, globals, locals, fromlist or (), 0)
            else:
                given = builtins.__import__(name, globals, locals, fromlist, level)
        except ImportError as error:
            namespace.clean(error)
            raise
        if level:
            _remember_relative(namespace, name, globals, level)
            return given
        if given is sys:
            return _sys_for(namespace, globals)
        return _settle(namespace, name, given, own=own, whole=not fromlist)

    _IMPORTS.add(import_.__code__)
    return import_


def hide_imports(error: BaseException) -> None:
    """Take our part in each import out of a traceback, as Python does with its own."""
    link = error.__traceback__
    while link is not None:
        following = link.tb_next
        if following is not None and following.tb_frame.f_code in _IMPORTS:
            link.tb_next = following.tb_next
        else:
            link = following


def _sys_for(namespace: Namespace, variables: Mapping[str, object] | None) -> ModuleType:
    """``sys`` itself, but for modules that look for others in ``sys.modules``.

    Those are few, and torch.compile sees through nothing but the original.
    """
    reads = (variables or {}).get("__name__") in namespace.readers
    return (reads and namespace.view("sys")) or sys


def _settle(
    namespace: Namespace, name: str, given: ModuleType, *, own: bool, whole: bool
) -> ModuleType:
    """What a statement is given for what Python has imported, which is remembered."""
    _remember(namespace, name, own=own)
    if own:
        return sys.modules[namespace.prefix + name.partition(".")[0]] if whole else given
    namespace.leave(name)
    return namespace.view(given.__name__ if whole else name) or given


def _remember(namespace: Namespace, name: str, *, own: bool) -> None:
    """Note what an absolute import has led to."""
    prefix = namespace.prefix if own else ""
    top = name.partition(".")[0]
    key, top_key = prefix + name, prefix + top
    module, whole = sys.modules.get(key), sys.modules.get(top_key)
    known = namespace.memory.absolute.get(name)
    if not _is_settled(module) or (known and known[1] is module):
        return
    given = module if own else namespace.view(name) or module
    if namespace.is_shared(top) and name == top:
        # Which of the two is meant depends on what is wanted of it.
        if not own:
            return
        whole = None
    if not _is_settled(whole) or (not own and namespace.view(top)):
        whole = _NOBODY
    namespace.memory.absolute[name] = (key, module, given, top_key, whole, _variables_of(module))


def _remember_relative(
    namespace: Namespace, name: str, variables: Mapping[str, object] | None, level: int
) -> None:
    """The same for a relative import."""
    package = (variables or {}).get("__package__")
    if isinstance(package, str):
        base = package.rsplit(".", level - 1)[0] if level > 1 else package
        key = f"{base}.{name}" if name else base
        module = sys.modules.get(key)
        if _is_settled(module):
            known = key, module, module, "", _NOBODY, _variables_of(module)
            namespace.memory.relative[package, level, name] = known


def _is_settled(module: object) -> TypeGuard[ModuleType]:
    """Whether a module has been executed, and is an ordinary one."""
    if not isinstance(module, ModuleType):
        return False
    if type(module).__getattribute__ is not ModuleType.__getattribute__:
        return False
    return not getattr(vars(module).get("__spec__"), "_initializing", False)


def _variables_of(module: ModuleType) -> Mapping[str, object] | None:
    return vars(module) if hasattr(module, "__path__") else None


def _require_inside(
    namespace: Namespace, variables: Mapping[str, object] | None, level: int
) -> None:
    """Refuse relative imports that leave the tree, as Python does for top-level modules."""
    package = str((variables or {}).get("__package__") or "")
    if not f"{package}.".startswith(namespace.prefix):
        return
    inside = package[len(namespace.prefix) :]
    if not inside:
        raise ImportError("attempted relative import with no known parent package")
    if level > inside.count(".") + 1:
        raise ImportError("attempted relative import beyond top-level package")
