"""Whether something assigned at the top level can be called, and how."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.nodes import walk
from hubkit.analysis.parameters import (
    Parameters,
    bind_partial,
    find_parameters,
    method_of,
    read_parameters,
)
from hubkit.analysis.resolve import Defined, External, Resolver, Target, Valued
from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.analysis.scope import FunctionNode, Scope

_PARTIALS = frozenset({"functools.partial"})
# Calls that give back the function they are given, or one like it.
_WRAPPERS = frozenset({"functools.lru_cache", "functools.cache", "functools.wraps"})


@dataclass(frozen=True, slots=True)
class CallableValue:
    """Something callable that is no plain function or class.

    Attributes:
        parameters: What it takes, or None when source does not tell.
        docstring: Its own docstring, or None.
        returning: The function whose result it gives back, when that is known.
        made_by: What made it: "partial", "lambda", "instance", or "" when unknown.
    """

    parameters: Parameters | None = None
    docstring: str | None = None
    returning: Defined | None = None
    made_by: str = ""


def find_callable(resolver: Resolver, found: Valued) -> CallableValue | None:
    """What calling an assigned value means; None when it cannot be called, or is not known to be.

    Args:
        resolver: Looks names up.
        found: The assignment.
    """
    value = found.value
    if isinstance(value, ast.Lambda):
        parameters = read_parameters(found.scope.file, value.args, bound=False)
        return CallableValue(parameters, made_by="lambda")
    if not isinstance(value, ast.Call):
        return None
    target = resolver.expression(found.scope, value.func)
    match target:
        case External(name) if name in _PARTIALS:
            return _partial(resolver, found.scope, value)
        case External(name) if name in _WRAPPERS:
            return CallableValue()
        case External(name) if (
            name.startswith("torch.nn.") and name.rpartition(".")[2][0].isupper()
        ):
            return CallableValue(made_by="instance")
        case Defined(node=ast.ClassDef()):
            return _instance(resolver, target)
        case Defined(node=ast.FunctionDef() as function):
            return _made_by(target.scope, function)
    return None


def _partial(resolver: Resolver, scope: Scope, call: ast.Call) -> CallableValue | None:
    if not call.args:
        return CallableValue(made_by="partial")
    target: Target | None = resolver.expression(scope, call.args[0])
    if not isinstance(target, Defined):
        return CallableValue(made_by="partial")
    parameters = bind_partial(find_parameters(resolver, target), call, scope.file)
    return CallableValue(parameters, None, target, made_by="partial")


def _instance(resolver: Resolver, found: Defined) -> CallableValue | None:
    """An instance of a class of the repo: callable when it, or its outside base, says so."""
    method = method_of(resolver, found, "__call__")
    if method is not None:
        scope, node = method
        parameters = read_parameters(scope.file, node.args, bound=True, body=node.body)
        return CallableValue(parameters, made_by="instance")
    assert isinstance(found.node, ast.ClassDef)  # noqa: S101 - the caller matched it
    for base in found.node.bases:
        target = resolver.expression(found.scope, base)
        if isinstance(target, External) and not is_stdlib(target.top):
            return CallableValue(made_by="instance")
    return None


def _made_by(scope: Scope, factory: FunctionNode) -> CallableValue | None:
    """What a factory of the repo makes: a function defined inside it, or nothing we call."""
    inner = {node.name: node for node in factory.body if isinstance(node, ast.FunctionDef)}
    for node in walk(factory):
        match node:
            case ast.Return(value=ast.Name(id=name)) if name in inner:
                made = inner[name]
                return CallableValue(
                    read_parameters(scope.file, made.args, bound=False, body=made.body),
                    ast.get_docstring(made),
                    Defined(scope, made),
                )
            case ast.Return(value=ast.Lambda(args=arguments)):
                parameters = read_parameters(scope.file, arguments, bound=False)
                return CallableValue(parameters, made_by="lambda")
            case ast.Return(value=ast.Call(func=ast.Name(id="partial"))):
                return CallableValue(made_by="partial")
    return None
