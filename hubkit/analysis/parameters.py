"""Signatures as written."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from hubkit.analysis.nodes import walk
from hubkit.analysis.resolve import Defined, External, Resolver
from hubkit.facts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.analysis.scope import Scope
    from hubkit.analysis.source_file import SourceFile
    from hubkit.facts.hubconf import ParameterKind

Parameters = tuple[Parameter, ...]

# Bases outside the repo whose constructor takes nothing that a caller would give.
_PLAIN_BASES = frozenset({"object", "torch.nn.Module", "torch.nn.modules.module.Module", "abc.ABC"})
_MAX_BASES = 32


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
        bound: Whether the first one is ``self`` and not for the caller to give.
        body: Its statements, to tell whether they look at ``**kwargs``.
    """
    parameters = tuple(_parameters(file, arguments, body))
    if bound and parameters and parameters[0].kind in ("positional", "positional-only"):
        return parameters[1:]
    return parameters


def find_parameters(resolver: Resolver, found: Defined) -> Parameters | None:
    """The parameters of a function, or of a class's constructor, followed to its bases.

    Args:
        resolver: Looks names up.
        found: The function or class.

    Returns:
        None when source does not tell them.
    """
    node, file = found.node, found.scope.file
    if not isinstance(node, ast.ClassDef):
        return read_parameters(file, node.args, bound=False, body=node.body)
    return _constructor_parameters(resolver, found)


def bind_partial(
    parameters: Parameters | None, call: ast.Call, file: SourceFile
) -> Parameters | None:
    """What remains to be given after ``functools.partial(function, *args, **kwargs)``.

    Args:
        parameters: The function's parameters.
        call: The call of ``partial``, the function first.
        file: Where the call stands.
    """
    given = call.args[1:]
    if parameters is None or any(isinstance(argument, ast.Starred) for argument in given):
        return None
    remaining = list(parameters)
    for _ in given:
        if remaining and remaining[0].kind in ("positional", "positional-only"):
            remaining.pop(0)
    defaults = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    bound = [index for index, parameter in enumerate(remaining) if parameter.name in defaults]
    first = min(bound, default=len(remaining))
    # What comes after a parameter that is given by name can only be given by name itself.
    return tuple(
        _bind(parameter, defaults, file, by_name=index >= first)
        for index, parameter in enumerate(remaining)
        if index < first or parameter.kind != "var-positional"
    )


def _bind(
    parameter: Parameter, defaults: dict[str, ast.expr], file: SourceFile, *, by_name: bool
) -> Parameter:
    if by_name and parameter.kind == "positional":
        parameter = replace(parameter, kind="keyword-only")
    if parameter.name in defaults:
        return replace(parameter, default=file.segment(defaults[parameter.name]))
    return parameter


def _constructor_parameters(resolver: Resolver, found: Defined) -> Parameters | None:
    pending, visited = [found], 0
    unknown = False
    while pending and visited < _MAX_BASES:
        current = pending.pop(0)
        visited += 1
        assert isinstance(current.node, ast.ClassDef)  # noqa: S101 - only classes are queued
        constructor = _method(current.node, "__init__")
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


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
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
    """Whether statements never look at ``**name``, unless they do nothing at all."""
    if all(isinstance(statement, ast.Expr | ast.Pass | ast.Raise) for statement in body):
        return False
    names = {
        node.id for statement in body for node in walk(statement) if isinstance(node, ast.Name)
    }
    return not names & {name, "locals", "vars", "eval", "exec"}


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
    """The method of a class or of one of its bases in the repo, or None.

    Args:
        resolver: Looks names up.
        found: The class.
        name: The method's name.
    """
    pending, visited = [found], 0
    while pending and visited < _MAX_BASES:
        current = pending.pop(0)
        visited += 1
        if not isinstance(current.node, ast.ClassDef):
            continue
        method = _method(current.node, name)
        if method is not None:
            return current.scope, method
        for base in current.node.bases:
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined):
                pending.append(target)
    return None
