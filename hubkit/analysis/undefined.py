"""Names that functions in an entrypoint's reach use although nothing defines them."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from typing import TYPE_CHECKING

from hubkit.analysis.scope import find_dynamic_names
from hubkit.analysis.syntax import child_nodes
from hubkit.facts import UndefinedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Defined, Resolver
    from hubkit.analysis.scope import FunctionNode, Scope

# What every module has, and builtins of other platforms and versions of Python.
_ALWAYS = frozenset(dir(builtins)) | {
    *("__annotations__", "__builtins__", "__file__", "__loader__", "__module__", "__package__"),
    *("__path__", "__qualname__", "__spec__", "WindowsError", "aiter", "anext", "EncodingWarning"),
    *("BaseExceptionGroup", "ExceptionGroup", "PythonFinalizationError"),
}
# A condition on the version of Python, which may be known to fail.
_VERSION = re.compile(r"version|\bPY[23]\b|\bpy[23]k?\b|TYPE_CHECKING|is_scripting")
_CAUGHT = frozenset({"NameError", "Exception", "BaseException", "UnboundLocalError"})


def find_undefined_names(
    resolver: Resolver, functions: Iterable[Defined]
) -> Iterator[UndefinedName]:
    """The names in functions that are neither local, global nor builtin.

    Modules that create names at run time, or import them with a star from outside the repo, are
    skipped, and so is code under a condition on the version or whose NameError is caught.

    Args:
        resolver: Looks names up.
        functions: The functions that calling entrypoints may reach.
    """
    unknown: dict[str, frozenset[str]] = {}
    for found in functions:
        module = resolver.tree.scope(found.scope.file.module) or found.scope
        if isinstance(found.node, ast.ClassDef):
            continue
        names = _names_from_outside(module, found.node)
        if not names:
            continue
        path = module.file.path
        if path not in unknown:
            unknown[path] = _unknown_names(resolver, module)
        names &= unknown[path]
        for statement in found.node.body if names else ():
            for node in _reads(statement, names):
                yield UndefinedName(node.id, module.file.location(node))


def _names_from_outside(module: Scope, function: FunctionNode) -> frozenset[str]:
    """The names that a function reads and neither it nor an import of its module binds.

    Few functions have any. So most modules, which are much larger, need no table of their names.
    """
    lines = module.file.lines[function.lineno - 1 : function.end_lineno]
    method = "class _:\n" if lines[0][:1] in " \t" else ""
    try:
        top = symtable.symtable(method + "\n".join(lines), module.file.path, "exec")
    except SyntaxError:  # part of another function, whose names it assigns
        return frozenset(node.id for node in ast.walk(function) if isinstance(node, ast.Name))
    read, _ = _sort_names(top)
    return read - _ALWAYS - module.bindings.keys() - {"__class__"}


def _unknown_names(resolver: Resolver, module: Scope) -> frozenset[str]:
    """The global names that a module reads and does not define."""
    try:
        top = symtable.symtable(module.file.text, module.file.path, "exec")
    except SyntaxError:  # what only the compiler rejects
        return frozenset()
    read, bound = _sort_names(top)
    unknown = read - bound - _ALWAYS
    if not unknown or find_dynamic_names(module):
        return frozenset()
    for star in module.stars:
        names = resolver.star_names(star.module)
        if names is None:
            return frozenset()
        unknown -= frozenset(names)
    return unknown


def _sort_names(top: symtable.SymbolTable) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a module and its functions read globally, and those that they define."""
    read: set[str] = set()
    bound: set[str] = set()
    pending = [top]
    while pending:
        table = pending.pop()
        pending += table.get_children()
        for symbol in table.get_symbols():
            if table is not top and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                bound.add(symbol.get_name())
            elif symbol.is_referenced():
                read.add(symbol.get_name())
    return frozenset(read), frozenset(bound)


def _reads(start: ast.AST, names: frozenset[str]) -> Iterator[ast.Name]:
    """Where code reads names, except where it is prepared for their absence."""
    pending: list[ast.AST] = [start]
    while pending:
        match pending.pop():
            case ast.Name(id=name, ctx=ast.Load()) as found if name in names:
                yield found
            case ast.Try() as statement if any(map(_catches, statement.handlers)):
                pending += [*statement.handlers, *statement.orelse, *statement.finalbody]
            case ast.If() as statement if _VERSION.search(ast.unparse(statement.test)):
                continue
            case ast.AnnAssign(target=target, value=value):
                pending += [one for one in (target, value) if one is not None]
            case ast.arg():  # annotations
                continue
            case node:
                pending += child_nodes(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _CAUGHT for kind in kinds)
