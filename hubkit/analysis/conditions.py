"""What a condition comes to when only some variables are known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class Unknown:
    """The value of an expression that source does not tell."""


UNKNOWN = Unknown()
# The variable that stands for every question whether a file is there.
EXISTS = "exists()"
_FILE_QUESTIONS = frozenset({"exists", "isfile", "is_file"})
Value: TypeAlias = bool | int | str | Unknown | None


def evaluate(variables: Mapping[str, Value], node: ast.expr) -> Value:
    """What an expression gives, as far as constants and known variables tell.

    Args:
        variables: What variables hold; those that are not in it are not known.
        node: The expression.
    """
    match node:
        case ast.Constant(value=bool() | int() | str() | None as constant):
            return constant
        case ast.Name(id=name):
            return variables.get(name, UNKNOWN)
        case ast.Call(func=ast.Attribute(attr=asked)) if asked in _FILE_QUESTIONS:
            return variables.get(EXISTS, UNKNOWN)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = evaluate(variables, operand)
            return UNKNOWN if isinstance(value, Unknown) else not value
        case ast.BoolOp(op=op, values=parts):
            return _join(op, [evaluate(variables, part) for part in parts])
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(op, evaluate(variables, left), evaluate(variables, right))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            holds = evaluate(variables, test)
            if isinstance(holds, Unknown):
                return UNKNOWN
            return evaluate(variables, body if holds else orelse)
    return UNKNOWN


def _join(op: ast.boolop, values: list[Value]) -> Value:
    decisive = isinstance(op, ast.Or)
    for value in values:
        if isinstance(value, Unknown):
            # A later one may decide, but then what is given is not known, only that it is.
            continue
        if bool(value) is decisive:
            return decisive if any(isinstance(one, Unknown) for one in values) else value
    return UNKNOWN if any(isinstance(value, Unknown) for value in values) else values[-1]


def _compare(op: ast.cmpop, left: Value, right: Value) -> Value:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    match op:
        case ast.Is() | ast.Eq():
            return left is right if left is None or right is None else left == right
        case ast.IsNot() | ast.NotEq():
            return left is not right if left is None or right is None else left != right
    return UNKNOWN
