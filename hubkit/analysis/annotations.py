"""Types of entrypoints, as code outside the repo can write them.

An annotation is kept as far as it names builtins, torch or the standard library. A class of the
repo, which other code cannot name, is its base ``nn.Module`` if it derives from it, else `Any`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis.builtin_names import is_external_module_class
from hubkit.analysis.docstrings import read_docstring
from hubkit.analysis.resolve import Defined, External, Resolver, Valued, open_hubconf
from hubkit.analysis.returns import is_module_class
from hubkit.analysis.signatures import find_callable, method_of
from hubkit.analysis.syntax import walk
from hubkit.analysis.values import find_strings, write_literal
from hubkit.facts import EntrypointTypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.facts import DocstringFacts, Entrypoint, Files, Hubconf, Returns

ANY, NONE, MODULE = "Any", "None", "torch.nn.Module"
_MAX_DEPTH = 12
_LONGEST = 400  # characters of a type
_SIMPLE = frozenset({"bool", "bytearray", "bytes", "complex", "float", "int", "object", "str"})
# What each of them takes between brackets: so many types, or as many as there are.
_GENERIC = {
    "collections.OrderedDict": 2,
    "collections.abc.Collection": 1,
    "collections.abc.Iterable": 1,
    "collections.abc.Iterator": 1,
    "collections.abc.Mapping": 2,
    "collections.abc.MutableMapping": 2,
    "collections.abc.MutableSequence": 1,
    "collections.abc.Sequence": 1,
    "collections.defaultdict": 2,
    "dict": 2,
    "frozenset": 1,
    "list": 1,
    "os.PathLike": 1,
    "set": 1,
    "type": 1,
}
_TYPING = {
    "DefaultDict": "collections.defaultdict",
    "Dict": "dict",
    "FrozenSet": "frozenset",
    "List": "list",
    "OrderedDict": "collections.OrderedDict",
    "Set": "set",
    "Text": "str",
    "Tuple": "tuple",
    "Type": "type",
}
# Plain classes that type checkers know wherever torch is installed.
_CLASSES = frozenset(
    {
        *("argparse.Namespace", "fractions.Fraction", "io.BytesIO", "pathlib.Path"),
        *("torch.Generator", "torch.Size", "torch.Tensor", "torch.device", "torch.dtype"),
        *("torch.nn.Module", "torch.nn.Parameter"),
    }
)
_OTHER_NAMES = {
    "torch.nn.modules.module.Module": MODULE,
    "torch.nn.parameter.Parameter": "torch.nn.Parameter",
}
_ENUMS = frozenset({"enum.Enum", "enum.StrEnum"})
_OPTIONAL = r",?\s*optional$"
_WORDS = {"boolean": "bool", "integer": "int", "string": "str"}
_RETURNED = {
    "None": NONE,
    "a boolean": "bool",
    "a dict": "dict[Any, Any]",
    "a formatted string": "str",
    "a list": "list[Any]",
    "a set": "set[Any]",
    "a string": "str",
    "an empty tuple": "tuple[()]",
    "bytes": "bytes",
}


def read_types(files: Files, hubconf: Hubconf) -> dict[str, EntrypointTypes]:
    """The types of all entrypoints, by name.

    Args:
        files: The repo's files.
        hubconf: Its hubconf.
    """
    unknown = {one.name: EntrypointTypes({}, _returned(one.returns)) for one in hubconf.entrypoints}
    try:
        opened = open_hubconf(files, hubconf.path)
        if opened is None:
            return unknown
        scope, resolver = opened
        reader = _TypeReader(resolver)
        return {one.name: reader.read(scope, one) for one in hubconf.entrypoints}
    except RecursionError:
        return unknown


class _TypeReader(Struct, frozen=True):
    """Reads annotations; a type is a tuple of the alternatives of a union."""

    resolver: Resolver

    def read(self, hubconf: Scope, entry: Entrypoint) -> EntrypointTypes:
        """The types of an entrypoint."""
        found = self._function(self.resolver.name(hubconf, entry.name))
        if found is None:
            return EntrypointTypes({}, _returned(entry.returns))
        scope, node = found
        described = read_docstring(entry.docstring or "")
        parts = node.args
        arguments = [*parts.posonlyargs, *parts.args, *parts.kwonlyargs, parts.vararg, parts.kwarg]
        types = {one.arg: self._parameter(scope, node, one, described) for one in arguments if one}
        return EntrypointTypes(types, self._result(scope, node, entry, described))

    def _result(
        self, scope: Scope, node: FunctionNode, entry: Entrypoint, described: DocstringFacts
    ) -> str:
        """The type of the result: what the body shows, else what the author says."""
        returns = _returned(entry.returns)
        if returns == ANY and node.returns and node.name not in ("__init__", "__call__"):
            returns = _write(self._type(scope, node.returns))
        return self._described(scope, described.returns) if returns == ANY else returns

    def _described(self, scope: Scope, text: str) -> str:
        """The type that a docstring names, if all of it is known."""
        text = re.sub(_OPTIONAL, "", text.strip("`* "))
        parsed = _parse(re.sub(r"\bor\b", "|", text))
        kind = _write(self._type(scope, parsed)) if parsed else ANY
        return ANY if re.search(r"\bAny\b", kind) else kind

    def _function(self, target: object) -> tuple[Scope, FunctionNode] | None:
        """The function that takes the arguments of a callable."""
        match target:
            case Defined(scope, ast.ClassDef()):
                return method_of(self.resolver, target, "__init__")
            case Defined(scope, ast.FunctionDef() | ast.AsyncFunctionDef() as node):
                return scope, node
            case Valued():
                called = find_callable(self.resolver, target)
                return self._function(called.returning) if called else None
        return None

    def _parameter(
        self, scope: Scope, function: FunctionNode, one: ast.arg, described: DocstringFacts
    ) -> str:
        """The type of a parameter: the strings that it accepts, the annotation or the docstring."""
        choices = self._choices(scope, function, one.arg)
        is_variadic = one in (function.args.vararg, function.args.kwarg)
        if one.annotation is None:
            text = "" if is_variadic else described.types.get(one.arg, "")
            return _write([_literal(choices)]) if choices else self._described(scope, text)
        types = self._type(scope, one.annotation)
        if choices and "str" in types:
            types = [_literal(choices), *(kind for kind in types if kind == NONE)]
        return _write(types)

    def _choices(self, scope: Scope, function: FunctionNode, name: str) -> tuple[str, ...]:
        """The only strings that a function accepts, if it starts by checking that."""
        for statement in function.body:
            match statement:
                case ast.Assert(test=test):
                    found = self._members(scope, test, name, ast.In)
                case ast.If(test=test, body=[*_, ast.Raise()]):
                    found = self._members(scope, test, name, ast.NotIn)
                case ast.Expr(value=ast.Constant()):
                    continue
                case _:
                    return ()
            if found:
                return found
        return ()

    def _members(
        self, scope: Scope, test: ast.expr, name: str, operator: type[ast.cmpop]
    ) -> tuple[str, ...]:
        match test:
            case ast.Compare(left=ast.Name(id=left), ops=[op], comparators=[container]) if (
                left == name and isinstance(op, operator)
            ):
                return find_strings(self.resolver, scope, container)
        return ()

    def _type(self, scope: Scope, node: ast.expr, depth: int = 0) -> list[str]:
        """The alternatives of an annotation; ``[ANY]`` if it cannot be written elsewhere."""
        if depth > _MAX_DEPTH:
            return [ANY]
        match node:
            case ast.Constant(value=None):
                return [NONE]
            case ast.Constant(value=str(text)):
                parsed = _parse(text)
                return self._type(scope, parsed, depth + 1) if parsed else [ANY]
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._union(scope, [left, right], depth)
            case ast.Subscript(value=value, slice=inner):
                return self._generic(scope, value, inner, depth)
            case ast.Name() | ast.Attribute():
                return self._named(scope, node, depth)
        return [ANY]

    def _union(self, scope: Scope, nodes: Iterable[ast.expr], depth: int) -> list[str]:
        types = [kind for node in nodes for kind in self._type(scope, node, depth + 1)]
        if "str" in types:
            enums = [self._enum_strings(scope, node) for node in nodes]
            literals = [_literal(strings) for strings in enums if strings]
            types = [*literals, *types] if literals else types
        return list(dict.fromkeys(types))

    def _named(self, scope: Scope, node: ast.expr, depth: int) -> list[str]:
        name = self._name(scope, node)
        name = _WORDS.get(name, name)
        if name in _SIMPLE or name in _CLASSES:
            return [name]
        if name in _GENERIC or name == "tuple":
            return [_fill(name, [])]
        if name == "collections.abc.Callable":
            return ["collections.abc.Callable[..., Any]"]
        target = self.resolver.expression(scope, node)
        match target:
            case Defined(node=ast.ClassDef()) if is_module_class(self.resolver, target):
                return [MODULE]
            case External(name) if is_external_module_class(name):
                return [MODULE]
            case Valued(around, ast.expr() as value):
                return self._type(around, value, depth + 1)
        return [ANY]

    def _generic(self, scope: Scope, base: ast.expr, inner: ast.expr, depth: int) -> list[str]:
        name = self._name(scope, base)
        items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        match name:
            case "typing.Optional":
                return list(dict.fromkeys([*self._type(scope, inner, depth + 1), NONE]))
            case "typing.Union":
                return self._union(scope, items, depth)
            case "typing.Literal":
                return _literals(items)
            case "typing.Annotated" | "typing.Final" | "typing.Required":
                return self._type(scope, items[0], depth + 1) if items else [ANY]
            case "collections.abc.Callable":
                return [self._callable(scope, items, depth)]
            case "tuple":
                return [self._tuple(scope, items, depth)]
        if name in _GENERIC:
            return [_fill(name, [_write(self._type(scope, one, depth + 1)) for one in items])]
        return self._named(scope, base, depth + 1)

    def _tuple(self, scope: Scope, items: Sequence[ast.expr], depth: int) -> str:
        is_open = bool(items) and _is_ellipsis(items[-1])
        if is_open and len(items) != 2:
            return _fill("tuple", [])
        types = [
            _write(self._type(scope, one, depth + 1)) for one in items if not _is_ellipsis(one)
        ]
        if not types:
            return "tuple[()]"
        return f"tuple[{', '.join([*types, *(['...'] if is_open else [])])}]"

    def _callable(self, scope: Scope, items: Sequence[ast.expr], depth: int) -> str:
        if len(items) != 2:
            return "collections.abc.Callable[..., Any]"
        result = _write(self._type(scope, items[1], depth + 1))
        taken = "..."
        if isinstance(items[0], ast.List):
            types = [_write(self._type(scope, one, depth + 1)) for one in items[0].elts]
            taken = f"[{', '.join(types)}]"
        return f"collections.abc.Callable[{taken}, {result}]"

    def _name(self, scope: Scope, node: ast.expr) -> str:
        """The dotted name of a type outside the repo, as the tables have it; "" for others."""
        name = self.resolver.external(scope, node)
        module, _, last = name.rpartition(".")
        if module in ("typing", "typing_extensions"):
            if last in _TYPING:
                return _TYPING[last]
            is_abstract = f"collections.abc.{last}" in _GENERIC or last == "Callable"
            return f"collections.abc.{last}" if is_abstract else f"typing.{last}"
        return _OTHER_NAMES.get(name, name.removeprefix("builtins."))

    def _enum_strings(self, scope: Scope, node: ast.expr) -> tuple[str, ...]:
        """The strings that stand for the members of an enumeration of the repo."""
        target = self.resolver.expression(scope, node)
        if not isinstance(target, Defined) or not isinstance(target.node, ast.ClassDef):
            return ()
        bases = {self.resolver.external(target.scope, base) for base in target.node.bases}
        if not bases & _ENUMS:
            return ()
        members = {
            name.id: value.value if isinstance(value, ast.Constant) else None
            for statement in target.node.body
            if isinstance(statement, ast.Assign)
            for name, value in [(statement.targets[0], statement.value)]
            if isinstance(name, ast.Name) and not name.id.startswith("_")
        }
        if _is_looked_up(target.scope.file.tree, target.node.name) or _is_looked_up(
            scope.file.tree, target.node.name
        ):
            return tuple(members)
        values = tuple(value for value in members.values() if isinstance(value, str))
        is_text = bool(bases & {"str", "enum.StrEnum"})
        return values if is_text and len(values) == len(members) else ()


def _is_looked_up(tree: ast.Module, enum: str) -> bool:
    """Whether a module looks members of an enumeration up by name, as in ``Weights[name]``."""
    return any(
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == enum
        and isinstance(node.slice, ast.Name)
        for node in walk(tree)
    )


def _returned(returns: Returns) -> str:
    """The type of what an entrypoint returns."""
    if returns.shape == "module":
        return MODULE
    if returns.items:
        return f"tuple[{', '.join(map(_returned, returns.items))}]"
    return _RETURNED.get(returns.description, ANY) if returns.shape == "other" else ANY


def _write(types: Sequence[str]) -> str:
    """A union; `Any` and None come last."""
    last = [one for one in (ANY, NONE) if one in types]
    text = " | ".join([*(one for one in types if one not in last), *last])
    return text if len(text) <= _LONGEST else ANY


def _fill(name: str, types: Sequence[str]) -> str:
    """A generic type with as many types between the brackets as it takes."""
    if name == "tuple":
        return "tuple[Any, ...]"
    count = _GENERIC[name]
    taken = types if len(types) == count else [ANY] * count
    return f"{name}[{', '.join(taken)}]"


def _literals(items: Sequence[ast.expr]) -> list[str]:
    """A `Literal` of constants; `Any` if something else is among them."""
    values = [one.value for one in items if isinstance(one, ast.Constant)]
    if len(values) < len(items) or not all(
        isinstance(one, str | int | bytes | None) for one in values
    ):
        return [ANY]
    plain = [one for one in values if one is not None]
    kinds = [_literal(plain)] if plain else []
    return [*kinds, *([NONE] if None in values else [])]


def _literal(values: Sequence[object]) -> str:
    """A `Literal` of values, or "" without any."""
    written = (write_literal(repr(one)) or repr(one) for one in values)
    return f"Literal[{', '.join(written)}]" if values else ""


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
