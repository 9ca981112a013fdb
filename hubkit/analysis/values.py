"""The values of expressions, as far as the source shows them.

A value is a text, a number, a boolean or None; an expression may have one of several values, such as
those of both sides of ``a if b else c``. Paths are texts: ``__file__`` is a path below ``_ROOT``, and
a relative path is one from the working directory.
"""

from __future__ import annotations

import ast
import math
import operator
import posixpath
import re
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from hubkit import limits
from hubkit.analysis.syntax import branches_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope

Scalar: TypeAlias = bool | int | float | str | None

_ROOT = "/\0"  # the root of the repo, which has no other spelling
_PERCENT = re.compile(r"%(?:\((\w+)\))?(.)", re.DOTALL)
_FIELD = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_FILE_TESTS = frozenset({"exists", "isfile", "is_file"})
_SAME = frozenset(
    {
        *("os.fspath", "os.path.abspath", "os.path.expanduser", "os.path.normpath"),
        *("os.path.realpath", "str"),
    }
)
_JOINS = frozenset({"os.path.join", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"})
_HERE = frozenset({"os.getcwd", "pathlib.Path.cwd"})
_SAME_METHODS = frozenset({"absolute", "as_posix", "expanduser", "resolve"})
# Methods of texts that take nothing but texts.
_TEXT_METHODS = frozenset(
    {
        *("capitalize", "endswith", "islower", "isupper", "lower", "lstrip", "removeprefix"),
        *("removesuffix", "replace", "rstrip", "startswith", "strip", "title", "upper"),
    }
)
_NAMED = {
    **dict.fromkeys(("os.sep", "os.path.sep"), "/"),
    **dict.fromkeys(("os.pardir", "os.path.pardir"), ".."),
    **dict.fromkeys(("os.curdir", "os.path.curdir"), "."),
}


class Unknown:
    """A value that the source does not determine."""


UNKNOWN = Unknown()
Value: TypeAlias = Scalar | Unknown
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
# The variable that holds the result of every test whether a file exists.
EXISTS = "exists()"


class _UnknownError(Exception):
    """The source does not show the value."""


def find_values(resolver: Resolver, scope: Scope, node: ast.expr) -> tuple[Scalar, ...]:
    """The values that an expression may have; empty if the source does not show all of them."""
    return _Evaluator(resolver).attempt(scope, node)


def find_string(resolver: Resolver, scope: Scope, node: ast.expr) -> str | None:
    """The text of the only value that an expression may have, or None."""
    match find_values(resolver, scope, node):
        case (bool() | int() | float() | str() as value,):
            text = str(value)
            return None if _ROOT in text else text
    return None


def find_strings(resolver: Resolver, scope: Scope, node: ast.expr) -> tuple[str, ...]:
    """The strings in a literal container, or the keys of a literal dict; empty for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(value=table, attr="keys"), args=[]):
            node = table
    found = resolver.expression(scope, node)
    value = getattr(found, "value", None) if found is not None else node
    try:
        members = _members(value) if isinstance(value, ast.expr) else []
    except _UnknownError:
        return ()
    strings = tuple(one for one in members if isinstance(one, str))
    return strings if len(strings) == len(members) else ()


def find_path(resolver: Resolver, scope: Scope, node: ast.expr) -> str | None:
    """The path from the repo's root that an expression over ``__file__`` has, or None."""
    match find_values(resolver, scope, node):
        case (value,):
            return path_in_repo(value)
    return None


def path_in_repo(value: Value) -> str | None:
    """The path from the repo's root, if a value is one over ``__file__``; else None."""
    if not isinstance(value, str) or not value.startswith(_ROOT):
        return None
    path = posixpath.normpath(value)
    if path == _ROOT:
        return "."
    inner = path.removeprefix(f"{_ROOT}/")
    is_inside = inner != path and "\0" not in inner
    return inner if is_inside and len(inner) <= limits.PATH_BYTES.most else None


def find_value(
    resolver: Resolver, scope: Scope, node: ast.expr, known: Mapping[str, Value]
) -> Value:
    """The value of an expression, as far as constants and known variables determine it.

    Args:
        resolver: Looks tables up.
        scope: The names where the expression stands.
        node: The expression.
        known: The values of variables; others are looked up.
    """
    values = _Evaluator(resolver, known).attempt(scope, node)
    return values[0] if len(values) == 1 else UNKNOWN


def is_plain_value(resolver: Resolver, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is surely a number, a text, None or a container."""
    return type(node) in _PLAIN or bool(find_values(resolver, scope, node))


class _Evaluator(Struct):
    """Computes the values of one expression.

    Attributes:
        resolver: Looks names up.
        known: The values of variables, in the place of those that names are assigned.
    """

    resolver: Resolver
    known: Mapping[str, Value] | None = None
    _steps: int = 0
    _depth: int = 0

    def attempt(self, scope: Scope, node: ast.expr) -> tuple[Scalar, ...]:
        """The values of an expression; empty if they are unknown."""
        depth = self._depth
        try:
            return self.values(scope, node)
        except _UnknownError:
            self._depth = depth
            return ()

    def values(self, scope: Scope, node: ast.expr) -> tuple[Scalar, ...]:
        self._enter()
        found = tuple(dict.fromkeys(self._values(scope, node)))
        self._depth -= 1
        if not 0 < len(found) <= limits.VALUE_CHOICES.most or any(map(_is_long, found)):
            raise _UnknownError
        return found

    def texts(self, scope: Scope, node: ast.expr) -> tuple[str, ...]:
        values = self.values(scope, node)
        if None in values:
            raise _UnknownError
        return tuple(str(value) for value in values)

    def _enter(self) -> None:
        self._steps += 1
        self._depth += 1
        if self._steps > limits.STRING_STEPS.most or self._depth > limits.STRING_LEVELS.most:
            raise _UnknownError

    def _values(self, scope: Scope, node: ast.expr) -> Iterable[Scalar]:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return (value,)
            case ast.Name(id=name) if self.known is not None and name in self.known:
                return self._variable(self.known, name)
            case ast.Name() | ast.Attribute():
                return self._named(scope, node)
            case ast.Subscript(
                value=ast.Attribute(value=path, attr="parents"), slice=ast.Constant(value=int(at))
            ) if 0 <= at < limits.PATH_DEPTH.most:
                return (_up(one, at + 1) for one in self.texts(scope, path))
            case ast.Subscript() | ast.IfExp():
                return self._looked_up(scope, node)
            case ast.JoinedStr(values=parts):
                return self._joined(scope, parts)
            case ast.FormattedValue(value=value, conversion=-1 | 115, format_spec=None):
                return self.texts(scope, value)
            case ast.Call():
                return self._called(scope, node)
        return self._operation(scope, node)

    def _variable(self, known: Mapping[str, Value], name: str) -> Iterator[Scalar]:
        value = known.get(name, UNKNOWN)
        if not isinstance(value, Unknown):
            yield value

    def _lacks(self, node: ast.expr, key: ast.expr) -> bool:
        """Whether an expression is the ``**kwargs`` of a call that passes none under a key."""
        if not isinstance(node, ast.Name) or not isinstance(key, ast.Constant) or not self.known:
            return False
        passed = self.known.get(f"**{node.id}")
        return isinstance(passed, str) and str(key.value) not in passed.split()

    def _operation(self, scope: Scope, node: ast.expr) -> Iterable[Scalar]:
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                parts = [self.values(scope, left), self.values(scope, right)]
                if all(isinstance(one, str) for part in parts for one in part):
                    return self._joined(scope, [left, right])
                return self._computed(ast.Add(), *parts)
            case ast.BinOp(left=left, op=ast.Sub() | ast.Mult() as op, right=right):
                return self._computed(op, self.values(scope, left), self.values(scope, right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._path(scope, [left, right])
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                return self._filled(scope, left, lambda text: _percent_parts(text, right))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return (not value for value in self.values(scope, operand))
            case ast.BoolOp():
                return self._either(scope, node)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[right]):
                return self._membership(scope, left, right, is_in=isinstance(op, ast.In))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                both = product(self.values(scope, left), self.values(scope, right))
                return (_compare(op, *pair) for pair in both)
        raise _UnknownError

    def _membership(
        self, scope: Scope, left: ast.expr, right: ast.expr, *, is_in: bool
    ) -> Iterable[bool]:
        if self._lacks(right, left):
            return (not is_in,)
        pairs = product(self.values(scope, left), self._containers(scope, right))
        return (_is_member(*pair) is is_in for pair in pairs)

    def _computed(
        self, op: ast.operator, left: tuple[Scalar, ...], right: tuple[Scalar, ...]
    ) -> Iterator[Scalar]:
        for one, other in product(left, right):
            if type(one) is not int or type(other) is not int:
                raise _UnknownError
            yield _OPERATORS[type(op)](one, other)

    def _either(self, scope: Scope, node: ast.BoolOp) -> Iterable[Scalar]:
        """The values of ``and`` and ``or``, whose first decisive operand is the result."""
        decisive, is_unknown = isinstance(node.op, ast.Or), False
        found: list[Scalar] = []
        values: tuple[Scalar, ...] = ()
        for part in node.values:
            values = self.attempt(scope, part)
            is_unknown |= not values
            found += [value for value in values if bool(value) is decisive]
            if values and all(bool(value) is decisive for value in values):
                if not is_unknown:
                    return found
                if self.known is not None:
                    return (decisive,)  # whether it holds is known, though not what it is
                break
        if is_unknown:
            raise _UnknownError
        return (*found, *(value for value in values if bool(value) is not decisive))

    def _named(self, scope: Scope, node: ast.Name | ast.Attribute) -> Iterable[Scalar]:
        if isinstance(node, ast.Name) and node.id == "__file__":
            return (f"{_ROOT}/{scope.file.path}",)
        if self.resolver.assigned(scope, node):
            return self._looked_up(scope, node)
        if isinstance(node, ast.Attribute):
            if node.attr == "__name__":
                return (self.resolver.own_name(scope, node.value),)
            name = self.resolver.external(scope, node)
            if name in _NAMED:
                return (_NAMED[name],)
            if node.attr == "parent":
                return (_up(one) for one in self.texts(scope, node.value))
        return ()

    def _looked_up(self, scope: Scope, node: ast.expr) -> Iterator[Scalar]:
        for inner, value in self._expressions(scope, node):
            yield from self.values(inner, value)

    def _expressions(self, scope: Scope, node: ast.expr) -> list[tuple[Scope, ast.expr]]:
        """What names and lookups in literal containers may stand for."""
        self._enter()
        found: list[tuple[Scope, ast.expr]]
        match node:
            case ast.Name() | ast.Attribute():
                found = self.resolver.assigned(scope, node)
                if not found:
                    self._depth -= 1
                    return [(scope, node)]
            case ast.Subscript(value=container, slice=key):
                found = self._picked(scope, container, key)
            case ast.Call(func=ast.Attribute(value=container, attr="get"), args=[key, *default]):
                found = self._picked(scope, container, key)
                if not found or not self.attempt(scope, key):
                    found += [(scope, one) for one in default or (ast.Constant(None),)]
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = {bool(value) for value in self.attempt(scope, test)} or {True, False}
                found = [(scope, body if one else orelse) for one in sorted(holds, reverse=True)]
            case _:
                self._depth -= 1
                return [(scope, node)]
        if len(found) > limits.VALUE_CHOICES.most:
            raise _UnknownError
        found = [one for inner in found for one in self._expressions(*inner)]
        self._depth -= 1
        return found

    def _picked(
        self, scope: Scope, container: ast.expr, key: ast.expr
    ) -> list[tuple[Scope, ast.expr]]:
        """What a literal container holds under a key; under any, if the key is unknown."""
        wanted = self.attempt(scope, key)
        found = []
        for inner, literal in self._expressions(scope, container):
            items = _items(literal)
            if wanted:
                # The last of equal keys wins.
                table = {one: value for keys, value in items for one in keys}
                found += [(inner, table[one]) for one in wanted if one in table]
            else:
                found += [(inner, value) for _, value in items]
        return found

    def _containers(self, scope: Scope, node: ast.expr) -> list[str | list[Scalar]]:
        """The texts that an expression may be, or the constants in the literal containers."""
        texts = self.attempt(scope, node)
        if texts:
            return [text for text in texts if isinstance(text, str)]
        return [_members(literal) for _, literal in self._expressions(scope, node)]

    def _joined(self, scope: Scope, parts: Iterable[ast.expr | str]) -> Iterable[str]:
        """The texts of all ways to choose one value for each part."""
        return ("".join(chosen) for chosen in self._choices(scope, parts))

    def _path(self, scope: Scope, parts: Iterable[ast.expr]) -> Iterable[str]:
        return (posixpath.join(*chosen) for chosen in self._choices(scope, parts))

    def _choices(self, scope: Scope, parts: Iterable[ast.expr | str]) -> Iterable[tuple[str, ...]]:
        choices = [(one,) if isinstance(one, str) else self.texts(scope, one) for one in parts]
        if math.prod(map(len, choices)) > limits.VALUE_CHOICES.most:
            raise _UnknownError
        return product(*choices)

    def _filled(
        self, scope: Scope, template: ast.expr, split: Callable[[str], Iterable[ast.expr | str]]
    ) -> Iterator[str]:
        for text in self.values(scope, template):
            if not isinstance(text, str):
                raise _UnknownError
            yield from self._joined(scope, split(text))

    def _called(self, scope: Scope, node: ast.Call) -> Iterable[Scalar]:
        function, arguments = node.func, node.args
        name = self.resolver.external(scope, function)
        if name in _HERE:
            return (".",)
        if name in _JOINS and arguments:
            return self._path(scope, arguments)
        if name in _SAME and len(arguments) == 1 and not node.keywords:
            return self.texts(scope, arguments[0])
        if name == "os.path.dirname" and len(arguments) == 1:
            return (_up(one) for one in self.texts(scope, arguments[0]))
        return self._method(scope, node, function) if isinstance(function, ast.Attribute) else ()

    def _method(self, scope: Scope, node: ast.Call, function: ast.Attribute) -> Iterable[Scalar]:
        receiver = function.value
        match function.attr, node.args:
            case test, _ if self.known is not None and test in _FILE_TESTS:
                return self._variable(self.known, EXISTS)
            case "format", _:
                return self._filled(scope, receiver, lambda text: _format_parts(text, node))
            case "join", [ast.List(elts=parts) | ast.Tuple(elts=parts)]:
                return self._filled(scope, receiver, lambda text: _glued(text, parts))
            case "joinpath", parts:
                return self._path(scope, [receiver, *parts])
            case (("get" | "pop"), [key, *default]) if self._lacks(receiver, key):
                return self.values(scope, default[0]) if default else (None,)
            case "get", [_, *_]:
                return self._looked_up(scope, node)
            case name, [] if name in _SAME_METHODS:
                return self.texts(scope, receiver)
            case name, arguments if name in _TEXT_METHODS and not node.keywords:
                choices = self._choices(scope, [receiver, *arguments])
                return (_call_method(name, *chosen) for chosen in choices)
        return ()


def _call_method(name: str, text: str, *arguments: str) -> Scalar:
    try:
        result: Scalar = getattr(text, name)(*arguments)
    except TypeError:
        raise _UnknownError from None
    return result


def _is_long(value: Scalar) -> bool:
    # Python refuses to write out integers of many thousand digits.
    size = len(value) if isinstance(value, str) else isinstance(value, int) and value.bit_length()
    return size > limits.STRING_LENGTH.most


def _up(path: str, times: int = 1) -> str:
    path = posixpath.normpath(path)
    for _ in range(times):
        path = posixpath.dirname(path)
    return path


def _compare(op: ast.cmpop, left: Scalar, right: Scalar) -> bool:
    same = left is right if left is None or right is None else left == right
    match op:
        case ast.Is() | ast.Eq():
            return same
        case ast.IsNot() | ast.NotEq():
            return not same
    raise _UnknownError


def _items(node: ast.expr) -> list[tuple[tuple[Scalar, ...], ast.expr]]:
    """The expressions in a literal container, each with the keys that lead to it."""
    match node:
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return [
                ((key.value,) if isinstance(key, ast.Constant) else (), value)  # type: ignore[misc]
                for key, value in zip(keys, values, strict=True)
            ]
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return [((one.arg,), one.value) for one in keywords]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            size = len(elements)
            return [((at, at - size), value) for at, value in enumerate(elements)]
    raise _UnknownError


def _is_member(value: Scalar, container: str | list[Scalar]) -> bool:
    if not isinstance(container, str):
        return value in container
    if not isinstance(value, str):
        raise _UnknownError
    return value in container


def _members(node: ast.expr) -> list[Scalar]:
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            members: list[ast.expr | None] = [*parts]
        case ast.Dict(keys=keys):
            members = [*keys]
        case _:
            raise _UnknownError
    constants = [one.value for one in members if isinstance(one, ast.Constant)]
    # A container that starts empty is filled later.
    if not members or len(constants) < len(members):
        raise _UnknownError
    return [one for one in constants if one is None or isinstance(one, bool | int | float | str)]


def _percent_parts(template: str, right: ast.expr) -> Iterator[ast.expr | str]:
    positional = iter(right.elts if isinstance(right, ast.Tuple) else [right])
    named = (
        {key: one for keys, one in _items(right) for key in keys}
        if isinstance(right, ast.Dict)
        else {}
    )
    end = 0
    for found in _PERCENT.finditer(template):
        yield template[end : found.start()]
        end = found.end()
        if found[2] == "%":
            yield "%"
            continue
        value = named.get(found[1]) if found[1] else next(positional, None)
        if value is None or found[2] not in "sd":
            raise _UnknownError
        yield value
    yield template[end:]


def _format_parts(template: str, node: ast.Call) -> Iterator[ast.expr | str]:
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    numbers = iter(range(len(node.args)))
    end = 0
    for found in _FIELD.finditer(template):
        yield template[end : found.start()]
        end = found.end()
        if found[0] in ("{{", "}}"):
            yield found[0][0]
            continue
        if found[1] is None:
            raise _UnknownError
        if found[1] and not found[1].isdecimal():
            value = named.get(found[1])
        else:
            index = int(found[1][:4]) if found[1] else next(numbers, -1)
            value = node.args[index] if 0 <= index < len(node.args) else None
        if value is None or isinstance(value, ast.Starred):
            raise _UnknownError
        yield value
    yield template[end:]


def _glued(glue: str, parts: list[ast.expr]) -> Iterator[ast.expr | str]:
    for at, part in enumerate(parts):
        if at:
            yield glue
        yield part


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
_PLAIN = frozenset({*_DISPLAYS, ast.Tuple, ast.Constant}) - {ast.Lambda}


class NotLiteralError(Exception):
    """The value is not a literal; the text describes it."""

    def __init__(self, what: str, node: ast.AST | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.node = node


def read_all(scope: Scope) -> list[str] | None:
    """The names in a module's ``__all__``, or None if the source does not show them."""
    try:
        return [node.value for node in read_elements(scope, "__all__")]  # type: ignore[misc]
    except NotLiteralError:
        return None


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
