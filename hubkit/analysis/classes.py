"""Whether a class is an ``nn.Module``, from its bases."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, TypeAlias

from hubkit.analysis.external import is_external_module_class
from hubkit.analysis.resolve import Defined, External

if TYPE_CHECKING:
    from hubkit.analysis.resolve import Resolver

Known: TypeAlias = dict[int, bool | None]

_HARMLESS_DECORATORS = frozenset({"dataclasses.dataclass", "typing.final"})


def is_module_class(resolver: Resolver, found: Defined) -> bool | None:
    """Whether a class of the repo derives from ``nn.Module``; None when source does not tell.

    Args:
        resolver: Looks bases up.
        found: The class.
    """
    return _is_module(resolver, found, {})


def _is_module(resolver: Resolver, found: Defined, known: Known) -> bool | None:
    key = id(found.node)
    if key not in known:
        # While it is being found out, a class that derives from itself tells nothing.
        known[key] = None
        known[key] = _derives(resolver, found, known)
    return known[key]


def _derives(resolver: Resolver, found: Defined, known: Known) -> bool | None:
    node = found.node
    if not isinstance(node, ast.ClassDef):
        return None
    answers = [_is_module_base(resolver, found, base, known) for base in node.bases]
    if True in answers:
        return True
    if None in answers or node.keywords or not _keeps_its_class(resolver, found, node):
        return None
    return False


def _is_module_base(
    resolver: Resolver, found: Defined, base: ast.expr, known: Known
) -> bool | None:
    # Generic[T] is Generic as far as this goes.
    plain = base.value if isinstance(base, ast.Subscript) else base
    target = resolver.expression(found.scope, plain)
    match target:
        case Defined():
            return _is_module(resolver, target, known)
        case External(name):
            return is_external_module_class(name)
        case None if isinstance(plain, ast.Name) and hasattr(builtins, plain.id):
            return False
    return None


def _keeps_its_class(resolver: Resolver, found: Defined, node: ast.ClassDef) -> bool:
    """Whether calling the class gives an instance of it, not of something else."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__new__":
            return False
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = resolver.expression(found.scope, called)
        if not isinstance(target, External) or target.name not in _HARMLESS_DECORATORS:
            return False
    return True
