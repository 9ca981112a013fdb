"""Whether code puts things on a GPU without asking for one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.conditions import evaluate
from hubkit.analysis.scope import own_nodes
from hubkit.analysis.syntax import child_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hubkit.analysis.conditions import Value
    from hubkit.analysis.scope import FunctionNode

_SOMETIMES = (ast.If, ast.IfExp, ast.Try, ast.While, ast.Match)
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def moves_to_gpu(call: ast.Call, values: Mapping[str, Value]) -> bool:
    """Whether a method call is ``.cuda()``, or ``.to`` with a CUDA device.

    Args:
        call: The call.
        values: What local variables hold, as far as that is known.
    """
    match call.func:
        case ast.Attribute(value=ast.Name(id="torch" | "_torch")):
            return False
        case ast.Attribute(attr="cuda"):
            return True
        case ast.Attribute(attr="to"):
            given = [one.value for one in call.keywords if one.arg == "device"]
            return any(names_gpu(one, values) for one in (*call.args[:1], *given))
    return False


def names_gpu(node: ast.expr, values: Mapping[str, Value]) -> bool:
    """Whether an expression is "cuda", "cuda:1" or such, or a device of that name.

    Args:
        node: The expression.
        values: What local variables hold, as far as that is known.
    """
    match node:
        case ast.Call(func=ast.Attribute(attr="device"), args=[inner, *_]):
            node = inner
    value = evaluate(values, node)
    return isinstance(value, str) and value.partition(":")[0] == "cuda"


def find_moves(function: FunctionNode) -> Iterator[ast.Call]:
    """Calls in a function that put something on a GPU, and run whenever it does.

    A loop is taken to run; what stands under a condition is left out.

    Args:
        function: Its definition.
    """
    pending: list[ast.AST] = list(reversed(function.body))
    while pending:
        node = pending.pop()
        if isinstance(node, _SOMETIMES + _INNER):
            continue
        if isinstance(node, ast.Call) and moves_to_gpu(node, {}):
            yield node
        pending += reversed(child_nodes(node))


def asks_for_gpu(function: FunctionNode) -> bool:
    """Whether a function asks whether there is a GPU."""
    return _mentions(own_nodes(function), "is_available")


def _mentions(nodes: Iterable[ast.AST], attribute: str) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == attribute for one in nodes)
