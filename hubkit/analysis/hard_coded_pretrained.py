"""Calls that ask another factory for its weights, whatever the entrypoint was asked for."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.signatures import method_of
from hubkit.analysis.syntax import walk
from hubkit.lazy import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope

_FLAGS = frozenset({"pretrained", "pretrain", "pretrained_backbone"})
_WEIGHTS = frozenset({"weights", "weights_backbone"})
# What a condition mentions that looks whether weights are wanted.
_ASKS = pattern(r"pre_?train|weight|ckpt|checkpoint", re.IGNORECASE)
_FACTORIES = ("torchvision.models", "timm", "torchaudio.models", "efficientnet_pytorch")


def find_asked(nodes: Iterable[ast.AST]) -> set[int]:
    """The ids of nodes that run only where a condition on weights holds.

    Args:
        nodes: All nodes of a function.
    """
    asked: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.If | ast.IfExp) and _ASKS.search(ast.unparse(node.test)):
            asked.update(id(inner) for inner in walk(node))
    return asked


def inner_request(resolver: Resolver, scope: Scope, call: ast.Call) -> str:
    """The argument with which a call asks a factory for weights for certain; else "".

    Args:
        resolver: Looks names up.
        scope: The names where the call stands.
        call: The call.
    """
    for keyword in call.keywords:
        name = keyword.arg or ""
        if (name in _FLAGS and _is_on(keyword.value)) or (
            name in _WEIGHTS and _names_weights(keyword.value)
        ):
            return (
                f"{name}={ast.unparse(keyword.value)}"
                if _takes(resolver, scope, call.func, name)
                else ""
            )
    return ""


def _is_on(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=True):
            return True
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(), args=[], keywords=[]):
            return True
    return False


def _names_weights(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and bool(value.value)
    return isinstance(value, ast.Attribute) and "_Weights" in ast.unparse(value.value)


def _takes(resolver: Resolver, scope: Scope, function: ast.expr, name: str) -> bool:
    """Whether what is called builds a network and takes a parameter of that name."""
    match function:
        case ast.Call(func=ast.Name(id="getattr"), args=[namespace, *_]):
            function = namespace
    target = resolver.expression(scope, function)
    if isinstance(target, External):
        return target.name.startswith(_FACTORIES)
    if not isinstance(target, Defined):
        return False
    node: ast.AST | None = target.node
    if isinstance(node, ast.ClassDef):
        constructor = method_of(resolver, target, "__init__")
        node = constructor[1] if constructor else None
    if not isinstance(node, ast.FunctionDef):
        return False
    arguments = node.args
    return any(
        one.arg == name for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    )
