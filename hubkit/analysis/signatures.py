"""Signatures: the parameters of functions, of classes and of assigned callables."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.resolve import Defined, External, Resolver, Target, Valued
from hubkit.analysis.syntax import walk
from hubkit.analysis.values import find_values, write_expression
from hubkit.facts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hubkit.analysis.modules import SourceFile
    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.facts import Entrypoint
    from hubkit.facts.hubconf import ParameterKind

Parameters = tuple[Parameter, ...]

# Bases outside the repo whose constructor takes nothing that a caller would give.
_PLAIN_BASES = frozenset({"object", "torch.nn.Module", "torch.nn.modules.module.Module", "abc.ABC"})


def read_parameters(
    file: SourceFile,
    arguments: ast.arguments,
    *,
    bound: bool,
    body: Sequence[ast.stmt] = (),
) -> Parameters:
    """The parameters of a ``def`` or ``lambda``.

    Args:
        file: Where it stands.
        arguments: Its arguments.
        bound: Whether the first one is ``self``, which callers do not pass.
        body: Its statements, to see whether they use ``**kwargs``.
    """
    parameters = tuple(_parameters(file, arguments, body))
    if bound and parameters and parameters[0].kind in ("positional", "positional-only"):
        return parameters[1:]
    return parameters


def find_parameters(resolver: Resolver, found: Defined) -> Parameters | None:
    """The parameters of a function, or of a class's constructor, followed to its bases.

    Returns:
        None if the source does not show them.
    """
    node, file = found.node, found.scope.file
    if not isinstance(node, ast.ClassDef):
        return read_parameters(file, node.args, bound=False, body=node.body)
    return _constructor_parameters(resolver, found)


def bind_partial(
    parameters: Parameters | None, positional: int, given: Mapping[str, str]
) -> Parameters | None:
    """The remaining parameters of ``functools.partial(function, *args, **kwargs)``.

    Args:
        parameters: The function's parameters.
        positional: The number of positional arguments.
        given: The source of the keyword arguments.
    """
    if parameters is None:
        return None
    remaining = list(parameters)
    for _ in range(positional):
        if remaining and remaining[0].kind in ("positional", "positional-only"):
            remaining.pop(0)
    bound = [index for index, parameter in enumerate(remaining) if parameter.name in given]
    first = min(bound, default=len(remaining))
    # What comes after a parameter that is given by name can only be given by name itself.
    return tuple(
        _bind(parameter, given, by_name=index >= first)
        for index, parameter in enumerate(remaining)
        if index < first or parameter.kind != "var-positional"
    )


def _bind(parameter: Parameter, given: Mapping[str, str], *, by_name: bool) -> Parameter:
    if by_name and parameter.kind == "positional":
        parameter = replace(parameter, kind="keyword-only")
    return replace(parameter, default=given.get(parameter.name, parameter.default))


def find_keywords(
    resolver: Resolver, scope: Scope, call: ast.Call
) -> dict[str, tuple[Scope, ast.expr]] | None:
    """The keyword arguments of a call, those in literal dicts after ``**`` included.

    Returns:
        Each value with the names around it; None if the source does not show them.
    """
    found: dict[str, tuple[Scope, ast.expr]] = {}
    for keyword in call.keywords:
        if keyword.arg:
            found[keyword.arg] = (scope, keyword.value)
            continue
        tables = resolver.assigned(scope, keyword.value) or [(scope, keyword.value)]
        inner, table = tables[0]
        match table:
            case ast.Dict(keys=keys, values=values) if all(
                isinstance(key, ast.Constant) for key in keys
            ):
                names = [getattr(key, "value", None) for key in keys]
            case ast.Call(func=ast.Name(id="dict"), args=[], keywords=items):
                names, values = [item.arg for item in items], [item.value for item in items]
            case _:
                return None
        if len(tables) > 1 or None in names:
            return None
        found |= {str(name): (inner, one) for name, one in zip(names, values, strict=True)}
    return found


def _constructor_parameters(resolver: Resolver, found: Defined) -> Parameters | None:
    pending, visited = [found], 0
    unknown = False
    while pending and visited < limits.CLASS_BASES.most:
        current = pending.pop(0)
        visited += 1
        assert isinstance(current.node, ast.ClassDef)  # noqa: S101 - only classes are queued
        constructor = find_method(current.node, "__init__")
        if constructor is not None:
            return read_parameters(
                current.scope.file, constructor.args, bound=True, body=constructor.body
            )
        if current.node.decorator_list or current.node.keywords:
            return None
        for base in current.node.bases:
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined) and isinstance(target.node, ast.ClassDef):
                pending.append(target)
            else:
                unknown |= not _is_plain(base, target)
    return None if unknown else ()


def _is_plain(base: ast.expr, target: object) -> bool:
    if isinstance(target, External):
        return target.name in _PLAIN_BASES
    return target is None and isinstance(base, ast.Name) and base.id in _PLAIN_BASES


def find_method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """The method of that name that a class itself defines, or None."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            return statement
    return None


def _parameters(
    file: SourceFile, arguments: ast.arguments, body: Sequence[ast.stmt]
) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [None] * missing + list(arguments.defaults)
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        only = index < len(arguments.posonlyargs)
        yield _parameter(file, argument, default, "positional-only" if only else "positional")
    if arguments.vararg:
        yield _parameter(file, arguments.vararg, None, "var-positional")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(file, argument, default, "keyword-only")
    if arguments.kwarg:
        keywords = _parameter(file, arguments.kwarg, None, "var-keyword")
        yield replace(keywords, ignored=_is_ignored(arguments.kwarg.arg, body))


def _is_ignored(name: str, body: Sequence[ast.stmt]) -> bool:
    """Whether statements do something, and do not use ``**name``."""
    if all(isinstance(statement, ast.Expr | ast.Pass | ast.Raise) for statement in body):
        return False
    names = {
        node.id for statement in body for node in walk(statement) if isinstance(node, ast.Name)
    }
    return not names & {name, "locals", "vars", "eval", "exec"}


def find_ignoring_callee(resolver: Resolver, found: Defined) -> str:
    """The function of the repo that gets ``**kwargs`` of a function, and nothing else, and ignores it.

    Returns:
        Its name; "" if the function or one that it calls uses them.
    """
    if isinstance(found.node, ast.ClassDef) or found.node.args.kwarg is None:
        return ""
    name, names = found.node.args.kwarg.arg, resolver.inside(found.scope, found.node)
    uses = [node for node in names.nodes if isinstance(node, ast.Name) and node.id == name]
    calls = [
        node
        for node in names.nodes
        if isinstance(node, ast.Call)
        if any(one.arg is None and one.value in uses for one in node.keywords)
    ]
    ignoring = [_ignoring(resolver, names.scope, call) for call in calls]
    return ignoring[0] if ignoring and len(calls) == len(uses) and all(ignoring) else ""


def _ignoring(resolver: Resolver, scope: Scope, call: ast.Call) -> str:
    """The source of what is called, if it is of the repo and ignores its ``**kwargs``."""
    target = resolver.expression(scope, call.func)
    if not isinstance(target, Defined) or target.node.decorator_list:
        return ""
    parameters = find_parameters(resolver, target) or ()
    return ast.unparse(call.func) if any(one.ignored for one in parameters) else ""


def _parameter(
    file: SourceFile, argument: ast.arg, default: ast.expr | None, kind: ParameterKind
) -> Parameter:
    return Parameter(
        name=argument.arg,
        kind=kind,
        default=file.segment(default) if default is not None else None,
        annotation=file.segment(argument.annotation) if argument.annotation else None,
    )


def method_of(
    resolver: Resolver, found: Defined, name: str
) -> tuple[Scope, ast.FunctionDef] | None:
    """The method of a class or of one of its bases in the repo, or None."""
    pending, visited = [found], 0
    while pending and visited < limits.CLASS_BASES.most:
        current = pending.pop(0)
        visited += 1
        if not isinstance(current.node, ast.ClassDef):
            continue
        method = find_method(current.node, name)
        if method is not None:
            return current.scope, method
        for base in current.node.bases:
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined):
                pending.append(target)
    return None


_STARS = {"var-positional": "*", "var-keyword": "**"}


def render_signature(entrypoint: Entrypoint) -> str:
    """Name and parameters of an entrypoint; ``name(...)`` where the source does not show them."""
    if entrypoint.parameters is None:
        return f"{entrypoint.name}(...)"
    return f"{entrypoint.name}({', '.join(render_parameters(entrypoint.parameters))})"


def render_parameters(parameters: Sequence[Parameter]) -> list[str]:
    """Parameters as a ``def`` lists them, with ``/`` and ``*`` between them."""
    parts: list[str] = []
    kinds = [parameter.kind for parameter in parameters]
    for at, parameter in enumerate(parameters):
        if parameter.kind == "keyword-only" and not {"keyword-only", "var-positional"} & {
            *kinds[:at]
        }:
            parts.append("*")
        parts.append(_render_parameter(parameter))
        if parameter.kind == "positional-only" and "positional-only" not in kinds[at + 1 :]:
            parts.append("/")
    return parts


def _render_parameter(parameter: Parameter) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    if parameter.annotation:
        text += f": {parameter.annotation}"
    if parameter.default is not None:
        text += f" = {parameter.default}" if parameter.annotation else f"={parameter.default}"
    return text


_PARTIALS = frozenset({"functools.partial"})
# Calls that return the function that they wrap, or one like it.
_WRAPPERS = frozenset({"functools.lru_cache", "functools.cache", "functools.wraps"})


class CallableValue(Struct, frozen=True):
    """A callable that is neither a function nor a class.

    Attributes:
        parameters: Its parameters, or None if the source does not show them.
        docstring: Its own docstring, or None.
        returning: The function whose result it returns, if known.
        made_by: What made it: "partial", "lambda", "instance", or "" if unknown.
    """

    parameters: Parameters | None = None
    docstring: str | None = None
    returning: Defined | None = None
    made_by: str = ""


def find_callable(resolver: Resolver, found: Valued) -> CallableValue | None:
    """The facts about calling an assigned value; None if it is not known to be callable."""
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
    keywords, positional = find_keywords(resolver, scope, call), call.args[1:]
    if keywords is None or any(isinstance(one, ast.Starred) for one in positional):
        return CallableValue(returning=target, made_by="partial")
    given = {name: _source(resolver, *value) for name, value in keywords.items()}
    parameters = bind_partial(find_parameters(resolver, target), len(positional), given)
    return CallableValue(parameters, None, target, made_by="partial")


def _source(resolver: Resolver, scope: Scope, argument: ast.expr) -> str:
    """The source of an argument; in a loop, that of its value in this round."""
    if scope.outer is not None:
        values = find_values(resolver, scope, argument)
        if len(values) == 1:
            return write_expression(ast.Constant(values[0])) or repr(values[0])
        found = resolver.assigned(scope, argument)
        if len(found) == 1:
            return found[0][0].file.segment(found[0][1])
    return scope.file.segment(argument)


def _instance(resolver: Resolver, found: Defined) -> CallableValue | None:
    """An instance of a class of the repo, if the class or its outside base makes it callable."""
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
    """The function that a factory of the repo defines and returns, or None."""
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
