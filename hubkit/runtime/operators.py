"""Torch operators of repos: no repo may redefine those of another one.

Operators have names that count in the whole process, and models call them by name each time they
run. When two refs of a repo define the same one, torch replaces the first, and the models made
before compute something else. Names cannot be private, as compiled graphs contain them. So the
functions of torch through which Python defines and changes operators are wrapped in place.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from hubkit.errors import SharedOperatorError
from hubkit.runtime.namespace import namespace_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from hubkit.runtime.namespace import Namespace

_TORCHS_OWN = ("aten", "prim", "prims")
_BETWEEN = ("torch.", "functools")  # modules whose frames are between a definition and its code
_owners: dict[str, Namespace] = {}
_lock = threading.Lock()


def patch_library(library: ModuleType) -> None:
    """Wrap ``torch.library``."""
    _guard(library.Library, "define", lambda one, schema: f"{one.ns}::{schema.partition('(')[0]}")
    _guard(library.Library, "impl", lambda one, name: f"{one.ns}::{_name_of(name).split('::')[-1]}")
    _guard(library, "_resolve_op_for_registration", _name_of)


def patch_custom_ops(custom_ops: ModuleType) -> None:
    """Wrap what ``torch.library.custom_op`` and ``triton_op`` call before they define anything."""
    # Later functions count the frames up to their caller.
    _guard(custom_ops, "get_library_allowing_overwrite", lambda ns, name: f"{ns}::{name}")


def _guard(place: Any, name: str, find_operator: Callable[..., str]) -> None:  # noqa: ANN401
    """Wrap a function that changes an operator, which its first arguments name."""
    original = getattr(place, name, None)
    if original is None:  # an older torch
        return
    count = find_operator.__code__.co_argcount

    @functools.wraps(original)
    def changing(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        operator = find_operator(*args[:count]) if len(args) >= count else ""
        _require_own(operator.partition(".")[0], sys._getframe(1))  # noqa: SLF001
        return original(*args, **kwargs)

    setattr(place, name, changing)


def _name_of(operator: object) -> str:
    """The name of an operator, which is text, an ``OpOverload`` or what ``custom_op`` returns."""
    name = getattr(operator, "_qualname", None) or getattr(operator, "_name", operator)
    return str(name)


def _require_own(operator: str, frame: FrameType | None) -> None:
    """Require that code changes no operator of another repo.

    Raises:
        SharedOperatorError: It does.
    """
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(_BETWEEN):
        frame = frame.f_back
    # Installed packages define their operators once, whoever imports them first.
    namespace = namespace_in(frame.f_builtins) if frame is not None else None
    if namespace is None or not operator:
        return
    if operator.partition("::")[0] in _TORCHS_OWN:
        warnings.warn(
            f"{namespace.label} replaces torch's operator {operator} in the whole process.",
            stacklevel=3,
        )
    with _lock:
        owner = _owners.setdefault(operator, namespace)
        if owner.root == namespace.root:
            _owners[operator] = namespace
    if owner is namespace or (owner.root == namespace.root and namespace.policy.is_fixed):
        return
    if owner.root == namespace.root:  # a folder that was edited
        warnings.warn(
            f"{namespace.label} has changed and redefines the operator {operator}. Models that were"
            " made before use the new one.",
            stacklevel=3,
        )
        return
    raise SharedOperatorError(
        f"{namespace.label} defines the torch operator {operator}, which {owner.label} has defined in"
        " this process. Its models would compute something else.",
        operator=operator,
        hint="Load them in processes of their own, or rename the operator in one of them.",
    )
