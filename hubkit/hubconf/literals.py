"""Values that source spells out: lists of strings, and strings put together from constants."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubkit.hubconf.scope import Scope

_COLLECTIONS = frozenset({"list", "tuple", "set", "sorted", "frozenset"})

_CONSTANTS = {type(None): "None", str: "a string", bytes: "bytes", bool: "a boolean"}
_DISPLAYS: dict[type[ast.expr], str] = {
    ast.JoinedStr: "a formatted string",
    ast.List: "a list",
    ast.ListComp: "a list",
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
    ast.Set: "a set",
    ast.SetComp: "a set",
    ast.GeneratorExp: "a generator",
    ast.Lambda: "a lambda",
}


class NotLiteralError(Exception):
    """Source does not spell the value out; the text says what stands there instead."""

    def __init__(self, what: str, node: ast.AST | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.node = node


def read_strings(scope: Scope, name: str) -> list[str] | None:
    """The strings in a module's list variable, or None when source does not tell them.

    Args:
        scope: The module.
        name: The variable, such as ``__all__``.
    """
    try:
        return [node.value for node in read_elements(scope, name)]  # type: ignore[misc]
    except NotLiteralError:
        return None


def read_elements(scope: Scope, name: str) -> list[ast.Constant]:
    """The string constants that a module's list variable holds after the module ran.

    Args:
        scope: The module.
        name: The variable.

    Raises:
        NotLiteralError: When source does not tell.
    """
    elements: list[ast.Constant] = []
    for statement in scope.file.tree.body:
        match statement:
            case ast.Assign(targets=targets, value=value) if _names(targets, name):
                elements = _strings(value, scope, {name: elements})
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if (
                target == name
            ):
                elements = _strings(value, scope, {name: elements})
            case ast.AugAssign(target=ast.Name(id=target), op=ast.Add(), value=value) if (
                target == name
            ):
                elements = [*elements, *_strings(value, scope, {name: elements})]
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=target), attr=method), args=[argument]
                )
            ) if target == name:
                elements = [*elements, *_added(method, argument, scope)]
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While() if _changes(
                statement, name
            ):
                raise NotLiteralError("made at run time", statement)
    return elements


def _added(method: str, argument: ast.expr, scope: Scope) -> list[ast.Constant]:
    match method:
        case "append":
            return [_string(argument)]
        case "extend":
            return _strings(argument, scope, {})
        case "sort" | "reverse":
            return []
    raise NotLiteralError("made at run time", argument)


def _strings(
    node: ast.expr, scope: Scope, known: dict[str, list[ast.Constant]]
) -> list[ast.Constant]:
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return [part for element in elements for part in _element(element, scope, known)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_strings(left, scope, known), *_strings(right, scope, known)]
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.Name(id=name):
            value = scope.constant(name)
            # Nothing may stand for itself, however roundabout.
            if value is not None:
                return _strings(value, scope, {**known, name: []})
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if (
            function in _COLLECTIONS
        ):
            return _strings(argument, scope, known)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split"), args=[]
        ):
            return [ast.copy_location(ast.Constant(word), node) for word in text.split()]
    raise NotLiteralError(describe(node), node)


def _element(
    node: ast.expr, scope: Scope, known: dict[str, list[ast.Constant]]
) -> list[ast.Constant]:
    if isinstance(node, ast.Starred):
        return _strings(node.value, scope, known)
    if isinstance(node, ast.Name):
        value = scope.constant(node.id)
        return [_string(value if value is not None else node)]
    return [_string(node)]


def _string(node: ast.expr) -> ast.Constant:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node
    raise NotLiteralError(f"an entry that is {describe(node)}", node)


def _names(targets: list[ast.expr], name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _changes(statement: ast.stmt, name: str) -> bool:
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=found))) if found == name:
                return True
    return False


def describe(node: ast.expr) -> str:
    """What kind of value an expression spells, such as "a string" or "made at run time"."""
    if isinstance(node, ast.Constant):
        return _CONSTANTS.get(type(node.value), "a number")
    if isinstance(node, ast.Tuple):
        return f"a tuple of {len(node.elts)}" if node.elts else "an empty tuple"
    return _DISPLAYS.get(type(node), "made at run time")
