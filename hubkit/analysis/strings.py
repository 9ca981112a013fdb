"""Strings put together from constants: literals, f-strings, ``format``, ``%``, ``+``, lookups."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit.analysis.resolve import Resolver, Valued

if TYPE_CHECKING:
    from hubkit.analysis.scope import Scope

_PERCENT = re.compile(r"%(?:\((\w+)\))?(.)", re.DOTALL)
_FIELD = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")


class _Unknown(Exception):  # noqa: N818 - control flow inside this module
    """Source does not show the string."""


class _Place(Struct, frozen=True):
    scope: Scope
    depth: int = 0

    def deeper(self, scope: Scope | None = None) -> _Place:
        if self.depth >= limits.STRING_LEVELS.most:
            raise _Unknown
        return _Place(scope or self.scope, self.depth + 1)


def find_string(resolver: Resolver, scope: Scope, node: ast.expr) -> str | None:
    """The string that an expression gives, or None if the source does not show it."""
    try:
        text = _Strings(resolver).text(_Place(scope), node)
    except _Unknown:
        return None
    return text


class _Strings(Struct):
    resolver: Resolver
    steps: int = 0

    def text(self, place: _Place, node: ast.expr) -> str:
        self.steps += 1
        text = self._text(place.deeper(), node)
        if len(text) > limits.STRING_LENGTH.most or self.steps > limits.STRING_STEPS.most:
            raise _Unknown
        return text

    def _text(self, place: _Place, node: ast.expr) -> str:
        match node:
            # Python refuses to write out integers of many thousand digits.
            case ast.Constant(value=int() as value) if (
                value.bit_length() > limits.STRING_LENGTH.most
            ):
                raise _Unknown
            case ast.Constant(value=str() | int() | float() as value):
                return str(value)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.text(*self._look_up(place, node))
            case ast.JoinedStr(values=values):
                return "".join(self.text(place, value) for value in values)
            case ast.FormattedValue(value=value, conversion=-1 | 115, format_spec=None):
                return self.text(place, value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.text(place, left) + self.text(place, right)
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                return self._percent(place, self.text(place, left), right)
            case ast.Call():
                return self._call(place, node)
        raise _Unknown

    def _call(self, place: _Place, node: ast.Call) -> str:
        match node:
            case ast.Call(func=ast.Attribute(value=template, attr="format")):
                return self._format(place, self.text(place, template), node)
            case ast.Call(
                func=ast.Attribute(value=glue, attr="join"),
                args=[ast.List() | ast.Tuple() as parts],
            ):
                return self.text(place, glue).join(self.text(place, part) for part in parts.elts)
            case ast.Call(func=ast.Name(id="str"), args=[value], keywords=[]):
                return self.text(place, value)
            case ast.Call(func=ast.Attribute(value=mapping, attr="get"), args=[key, *_]):
                return self.text(*self._item(place, mapping, key))
        raise _Unknown

    def _look_up(self, place: _Place, node: ast.expr) -> tuple[_Place, ast.expr]:
        """The expression that a name, a dotted name or a subscript stands for, and its place."""
        if isinstance(node, ast.Subscript):
            return self._item(place, node.value, node.slice)
        target = self.resolver.expression(place.scope, node)
        if not isinstance(target, Valued) or target.value is None or target.value is node:
            raise _Unknown
        return place.deeper(target.scope), target.value

    def _item(self, place: _Place, mapping: ast.expr, key: ast.expr) -> tuple[_Place, ast.expr]:
        wanted = self._key(place, key)
        inner, node = place.deeper(), mapping
        while isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            inner, node = self._look_up(inner.deeper(), node)
        return inner, _pick(node, wanted)

    def _key(self, place: _Place, key: ast.expr) -> str | int:
        if isinstance(key, ast.Constant) and isinstance(key.value, int):
            return key.value
        return self.text(place, key)

    def _percent(self, place: _Place, template: str, right: ast.expr) -> str:
        positional = iter(right.elts if isinstance(right, ast.Tuple) else [right])
        named = _literal_items(right)

        def fill(found: re.Match[str]) -> str:
            if found[2] == "%":
                return "%"
            value = named.get(found[1]) if found[1] else next(positional, None)
            if value is None or found[2] not in "sd":
                raise _Unknown
            return self.text(place, value)

        return _PERCENT.sub(fill, template)

    def _format(self, place: _Place, template: str, node: ast.Call) -> str:
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        numbers = iter(range(len(node.args)))

        def fill(found: re.Match[str]) -> str:
            if found[0] in ("{{", "}}"):
                return found[0][0]
            if found[1] is None:
                raise _Unknown
            if found[1] and not found[1].isdecimal():
                value = named.get(found[1])
            else:
                index = int(found[1][:4]) if found[1] else next(numbers, -1)
                value = node.args[index] if 0 <= index < len(node.args) else None
            if value is None or isinstance(value, ast.Starred):
                raise _Unknown
            return self.text(place, value)

        return _FIELD.sub(fill, template)


def _literal_items(node: ast.expr) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        return {}
    return {
        key.value: value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _pick(container: ast.expr, wanted: str | int) -> ast.expr:
    """The value that a literal container holds under a key or index."""
    match container:
        case ast.Dict(keys=keys, values=values):
            # The last of equal keys wins.
            for found, value in reversed(list(zip(keys, values, strict=True))):
                if isinstance(found, ast.Constant) and found.value == wanted:
                    return value
                if found is None:
                    raise _Unknown
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            for keyword in keywords:
                if keyword.arg == wanted:
                    return keyword.value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            if isinstance(wanted, int) and -len(elements) <= wanted < len(elements):
                return elements[wanted]
    raise _Unknown
