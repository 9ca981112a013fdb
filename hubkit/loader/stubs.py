"""Write a typed module of a repo's entrypoints, from what was read of its source."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.text import printable
from hubkit.analysis import render_parameters, write_literal
from hubkit.facts import EntrypointTypes, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hubkit.facts import Entrypoint

_WIDTH = 88  # the line length of common formatters
_ANYTHING = (Parameter("args", "var-positional"), Parameter("kwargs", "var-keyword"))
# Types that accept a list, and those that accept a tuple.
_LISTS = frozenset({"list", "Collection", "Iterable", "MutableSequence", "Sequence"})
_TUPLES = frozenset({"tuple", "Collection", "Iterable", "Sequence"})
_MODULE = '''"""Entrypoints of {title}.

Written by `{command}`. To change it, run the command again.
"""

from __future__ import annotations

{imports}
from typing import {typing}

import hubkit
{checked}
REPO = {repo}

_Function = TypeVar("_Function", bound=collections.abc.Callable[..., Any])
_DEFAULT: Any = object()  # stands for a default that only the repo can compute


def _entrypoint(name: str) -> collections.abc.Callable[[_Function], _Function]:
    """Make a function load an entrypoint of the repo."""

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def load(*args: Any, **kwargs: Any) -> Any:
            return hubkit.load(REPO, name, *args, kwargs=kwargs)

        return cast(_Function, load)

    return decorate
'''


class StubSource(Struct, frozen=True):
    """The repo that a typed module loads from.

    Attributes:
        title: Its name, such as "owner/name:commit".
        address: Python for what ``hubkit.load`` loads.
        command: The command that writes the module.
    """

    title: str
    address: str
    command: str


def render_stubs(
    source: StubSource, entrypoints: Sequence[Entrypoint], types: Mapping[str, EntrypointTypes]
) -> str:
    """Render a Python module with a typed function ``load_<name>`` for each entrypoint.

    Its functions pass on the arguments that they are called with, and no defaults.

    Args:
        source: The repo.
        entrypoints: Its entrypoints.
        types: Their types, by name.
    """
    functions = []
    used: set[str] = set()
    for entry in entrypoints:
        known = types.get(entry.name, EntrypointTypes({}, "Any"))
        parameters = _parameters(entry, known)
        used |= _names_in([known.returns, *(one.annotation or "" for one in parameters)])
        functions.append(f"\n\n{_render_function(entry, parameters, known.returns)}")
    imported = {"collections.abc", "functools"}
    if source.address.startswith("pathlib."):
        imported.add("pathlib")
    checked = sorted(used & {"argparse", "fractions", "io", "os", "pathlib", "torch"} - imported)
    typing = [*(["TYPE_CHECKING"] if checked else []), "Any"]
    typing += [*(["Literal"] if "Literal" in used else []), "TypeVar", "cast"]
    head = _MODULE.format(
        title=_escape(source.title),
        command=_escape(source.command),
        imports="\n".join(f"import {name}" for name in sorted(imported)),
        typing=", ".join(typing),
        checked="".join(["\nif TYPE_CHECKING:\n", *(f"    import {name}\n" for name in checked)])
        if checked
        else "",
        repo=source.address,
    )
    return head + "".join(functions)


def _parameters(entry: Entrypoint, types: EntrypointTypes) -> tuple[Parameter, ...]:
    """The parameters as the module has them: with a type, and a literal as default."""
    declared = _ANYTHING if entry.parameters is None else entry.parameters
    return tuple(_parameter(one, types.parameters.get(one.name, "Any")) for one in declared)


def _parameter(one: Parameter, kind: str) -> Parameter:
    default = None if one.default is None else write_literal(one.default)
    if default:
        value = ast.literal_eval(default)
        if not _accepts(ast.parse(kind, mode="eval").body, value):
            # The author's own default is accepted, whatever the annotation says.
            own = type(value).__name__ if value is not None else "None"
            own = {"list": "list[Any]", "tuple": "tuple[Any, ...]"}.get(own, own)
            kind = f"{kind} | {own}"
    return replace(one, annotation=kind, default="_DEFAULT" if default == "" else default)


def _accepts(kind: ast.expr, value: object) -> bool:
    """Whether a type checker accepts a literal for a type."""
    match kind:
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, right=right):
            return _accepts(left, value) or _accepts(right, value)
        case ast.Name(id=name):
            return name in ("Any", "object") or _is_instance(name, value)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            choices = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return any(
                isinstance(one, ast.Constant)
                and (type(one.value), one.value) == (type(value), value)
                for one in choices
            )
        case ast.Subscript(value=generic, slice=inner):
            return _accepts_items(ast.unparse(generic).rpartition(".")[2], inner, value)
    return False


def _is_instance(name: str, value: object) -> bool:
    accepted = {
        "float": ("float", "int"),
        "complex": ("complex", "float", "int"),
        "int": ("int", "bool"),
    }
    return type(value).__name__ in accepted.get(name, (name,))


def _accepts_items(generic: str, inner: ast.expr, value: object) -> bool:
    if isinstance(value, str):
        return generic in _TUPLES and generic != "tuple" and _accepts(inner, value)
    if isinstance(value, list) and generic in _LISTS:
        return all(_accepts(inner, one) for one in value)
    if isinstance(value, tuple) and generic in _TUPLES:
        kinds = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if generic != "tuple":
            kinds = [inner] * len(value)
        elif isinstance(kinds[-1], ast.Constant):  # tuple[int, ...]
            kinds = [kinds[0]] * len(value)
        pairs = zip(kinds, value, strict=False)
        return len(kinds) == len(value) and all(_accepts(kind, one) for kind, one in pairs)
    return False


def _names_in(kinds: Iterable[str]) -> set[str]:
    """All names in types; of dotted names the first part."""
    return {
        node.id
        for kind in kinds
        if kind
        for node in ast.walk(ast.parse(kind, mode="eval"))
        if isinstance(node, ast.Name)
    }


def _render_function(entry: Entrypoint, parameters: Sequence[Parameter], returns: str) -> str:
    parts = render_parameters(parameters)
    line = f"def load_{entry.name}({', '.join(parts)}) -> {returns}:"
    if len(line) > _WIDTH:
        inner = "".join(f"    {part},\n" for part in parts)
        line = f"def load_{entry.name}(\n{inner}) -> {returns}:"
    docstring = "\n".join(_docstring_lines(entry))
    return f'@_entrypoint("{entry.name}")\n{line}\n{docstring}\n    raise NotImplementedError\n'


def _docstring_lines(entry: Entrypoint) -> Iterator[str]:
    first, *rest = _escape((entry.docstring or f"Load `{entry.name}`.").strip()).split("\n")
    if not rest:
        yield f'    """{first}"""'
        return
    yield f'    """{first}'
    yield from (f"    {line}".rstrip() for line in rest)
    yield '    """'


def _escape(text: str) -> str:
    """The text as it stands between three quotes; control characters are escaped."""
    lines = ("\\\\".join(map(printable, line.split("\\"))) for line in text.split("\n"))
    return re.sub(r'"(?="|\Z)', r"\"", "\n".join(lines))
