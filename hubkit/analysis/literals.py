"""Values that the source spells out: lists of strings, and strings put together from constants."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit.analysis.syntax import branches_of, walk

if TYPE_CHECKING:
    from hubkit.analysis.scope import Scope

# Longer ones are tables, and no defaults that somebody wants to read.
_LONGEST_WRITTEN = 60
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
    """The value is not a literal; the text describes it."""

    def __init__(self, what: str, node: ast.AST | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.node = node


def read_strings(scope: Scope, name: str) -> list[str] | None:
    """The strings in a module's list variable, or None if the source does not show them.

    Args:
        scope: The module.
        name: The variable, such as ``__all__``.
    """
    try:
        return [node.value for node in read_elements(scope, name)]  # type: ignore[misc]
    except NotLiteralError:
        return None


def literal_members(node: ast.expr | None) -> set[str] | None:
    """The strings in a literal list, or the keys of a literal dict; None if the source does not show all of them."""
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            members: list[ast.expr | None] = [*parts]
        case ast.Dict(keys=keys):
            members = [*keys]
        case _:
            return None
    if not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in members):
        return None
    return {str(one.value) for one in members if isinstance(one, ast.Constant)}


def read_elements(scope: Scope, name: str) -> list[ast.Constant]:
    """The string constants that a module's list variable holds after the module ran.

    Raises:
        NotLiteralError: When source does not show it.
    """
    reader = _ListReader(scope)
    for statement in scope.file.tree.body:
        reader.run(statement, name)
    return reader.known.get(name) or []


class _ListReader(Struct):
    """Follows a list variable through the statements of a module.

    Attributes:
        known: What variables hold so far; None while that is being found out, since nothing may
            stand for itself, however roundabout.
        steps: Number of visited expressions.
    """

    scope: Scope
    known: dict[str, list[ast.Constant] | None] = field(default_factory=dict)
    steps: int = 0

    def run(self, statement: ast.stmt, name: str) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value) if _names(targets, name):
                self.known[name] = [*self.strings(value)]
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _names([target], name):
                self.known[name] = [*self.strings(value)]
            case ast.AugAssign(target=target, op=ast.Add(), value=value) if _names([target], name):
                self._extend(name, self.strings(value), statement)
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=target, attr=method), args=[argument])
            ) if _names([target], name):
                self._extend(name, self._added(method, argument), statement)
            case _ if branches_of(statement) is not None:
                if _changes(statement, name):
                    raise NotLiteralError("computed at run time", statement)

    def _extend(self, name: str, added: list[ast.Constant], node: ast.AST) -> None:
        self._spend(len(added), node)
        if (found := self.known.get(name)) is None:
            self.known[name] = [*added]
        else:
            found.extend(added)  # not copied, or a thousand calls of append take a million steps

    def _spend(self, steps: int, node: ast.AST) -> None:
        self.steps += steps
        if self.steps > limits.LITERAL_STEPS.most:
            raise NotLiteralError("computed at run time", node)

    def strings(self, node: ast.expr) -> list[ast.Constant]:
        self._spend(1, node)
        match node:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                found = [item for part in parts for item in self._element(part)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = [*self.strings(left), *self.strings(right)]
            case ast.Name(id=name):
                found = self._variable(name, node)
            case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if (
                function in _COLLECTIONS
            ):
                found = self.strings(argument)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split"), args=[]
            ):
                found = [ast.copy_location(ast.Constant(word), node) for word in text.split()]
            case _:
                raise NotLiteralError(describe(node), node)
        self._spend(len(found), node)
        return found

    def _variable(self, name: str, node: ast.expr) -> list[ast.Constant]:
        if name not in self.known:
            value = self.scope.constant(name)
            self.known[name] = None
            if value is not None:
                self.known[name] = self.strings(value)
        found = self.known[name]
        if found is None:
            raise NotLiteralError("computed at run time", node)
        return found

    def _added(self, method: str, argument: ast.expr) -> list[ast.Constant]:
        if method == "append":
            return [_string(argument)]
        if method == "extend":
            return self.strings(argument)
        raise NotLiteralError("computed at run time", argument)

    def _element(self, node: ast.expr) -> list[ast.Constant]:
        if isinstance(node, ast.Starred):
            return self.strings(node.value)
        if isinstance(node, ast.Name):
            value = self.scope.constant(node.id)
            return [_string(value if value is not None else node)]
        return [_string(node)]


def _string(node: ast.expr) -> ast.Constant:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node
    raise NotLiteralError(f"an entry that is {describe(node)}", node)


def _names(targets: list[ast.expr], name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _changes(statement: ast.stmt, name: str) -> bool:
    for node in walk(statement):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=found))) if found == name:
                return True
    return False


def describe(node: ast.expr) -> str:
    """The kind of value of an expression, such as "a string" or "computed at run time"."""
    if isinstance(node, ast.Constant):
        return _CONSTANTS.get(type(node.value), "a number")
    if isinstance(node, ast.Tuple):
        return f"a tuple of {len(node.elts)}" if node.elts else "an empty tuple"
    return _DISPLAYS.get(type(node), "computed at run time")


def write_literal(source: str) -> str:
    """The normalized source of a literal; "" for other expressions."""
    try:
        node = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return write_expression(node) or ""


def write_expression(node: ast.expr) -> str | None:
    """The source of a literal expression; None for any other, and for a long one."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        # 512 * 4 is not a literal, but as readable as one.
        return _product(node)
    return _value(value)


def _value(value: object) -> str | None:
    text = repr(value)
    if isinstance(value, str):
        plain = '"' not in text and "\\" not in text
        text = f'"{text[1:-1]}"' if text.startswith("'") and plain else text
    elif isinstance(value, list | tuple):
        parts = [_value(part) for part in value]
        if None in parts:
            return None
        inner = ", ".join(str(part) for part in parts)
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    elif value is not None and not isinstance(value, bool | int | float):
        return None
    elif isinstance(value, float) and not text.lstrip("-")[:1].isdigit():
        return None  # inf and nan are not literals
    return text if len(text) <= _LONGEST_WRITTEN else None


def _product(node: ast.expr) -> str | None:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            first, second = write_expression(left), write_expression(right)
            if first and second and first.isdigit() and second.isdigit():
                return str(int(first) * int(second)) if len(first + second) < 12 else None
    return None
