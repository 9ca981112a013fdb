"""The entrypoints of a hubconf, and names that only leak into its list."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit import limits
from hubkit.analysis.builtin_names import is_callable_name, is_constant_name, is_helper_origin
from hubkit.analysis.documents import read_near_snippets, select_own
from hubkit.analysis.resolve import Defined, External, Module, Resolver, Target, Unresolved, Valued
from hubkit.analysis.returns import ReturnsReader
from hubkit.analysis.scope import (
    Elsewhere,
    ImportedModule,
    ImportedName,
    Scope,
    names_used,
)
from hubkit.analysis.signatures import (
    CallableValue,
    find_callable,
    find_ignoring_callee,
    find_parameters,
)
from hubkit.analysis.values import is_plain_value, read_all
from hubkit.facts import Entrypoint, Leak, Location, Returns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Parameter
    from hubkit.facts.hubconf import EntrypointKind


class Surface(Struct, frozen=True):
    """The callables that ``torch.hub.list`` shows, as entrypoints and leaks."""

    entrypoints: tuple[Entrypoint, ...]
    leaks: tuple[Leak, ...]
    dynamic_names: tuple[Location, ...]
    unchecked: tuple[Entrypoint, ...] = ()


class _Candidate(Struct, frozen=True):
    """A public callable in the hubconf's namespace.

    Attributes:
        name: Its name.
        node: The statement that defines or imports it.
        target: What the name stands for.
        called: How it is called, if it is an assigned value.
        imported: Whether it comes from elsewhere.
        star: Module of the star import that brought it, or "".
        made: Whether the name is made at run time.
    """

    name: str
    node: ast.AST
    target: Target
    called: CallableValue | None = None
    imported: bool = False
    star: str = ""
    made: bool = False


class _Sorting(Struct):
    """The facts that decide between entrypoint and leak.

    Attributes:
        scope: The hubconf's names.
        resolver: Looks names up.
        returns: Finds what functions return.
        used: Names that the hubconf's own code uses.
        declared: Names in its ``__all__`` that exist.
        is_facade: Whether the repo defines nothing callable that it shows.
        defines: Whether the hubconf defines a function itself.
        star_uses: Names that the modules of its star imports use themselves.
        star_asks: Whether all functions that star imports bring require arguments.
        shown: Names that the repo's documents load from it.
    """

    scope: Scope
    resolver: Resolver
    returns: ReturnsReader
    used: frozenset[str]
    declared: frozenset[str] = frozenset()
    is_facade: bool = False
    defines: bool = False
    star_uses: frozenset[str] = field(default_factory=frozenset)
    star_asks: bool = False
    shown: frozenset[str] = frozenset()


def find_surface(scope: Scope, resolver: Resolver, wanted: str = "") -> Surface:
    """Sort the callables of a hubconf into entrypoints and leaks.

    ``__all__`` decides when a name in it exists. Else what the hubconf defines is published, of what
    it imports or assigns whatever its own code does not use, and what the repo's documents load.
    Classes that it imports beside functions of its own are left over rather than published.

    Args:
        scope: The hubconf's names.
        resolver: Looks names up.
        wanted: An entrypoint to read, even if more are made at run time than are checked.
    """
    candidates = sorted(_candidates(scope, resolver), key=lambda found: _order(scope, found))
    sorting = _prepare(scope, resolver, candidates)
    entrypoints: list[Entrypoint] = []
    unchecked: list[Entrypoint] = []
    leaks: list[Leak] = []
    made = sum(found.made for found in candidates)
    for found in candidates:
        if not _is_published(found, sorting):
            leaks.append(Leak(found.name, _origin(found), scope.file.location(found.node)))
        elif found.made and made > limits.MADE_NAMES.most and found.name != wanted:
            unchecked.append(_name_only(found, sorting))
        else:
            is_announced = found.name in sorting.declared | sorting.shown
            entry = _entrypoint(found, sorting)
            entrypoints.append(replace(entry, is_announced=True) if is_announced else entry)
    dynamic = [scope.file.location(node) for node in _all_dynamic_names(scope, resolver)]
    return Surface(tuple(entrypoints), tuple(leaks), tuple(sorted(dynamic)), tuple(unchecked))


def _order(scope: Scope, found: _Candidate) -> tuple[int, int]:
    location = scope.file.location(found.node)
    return location.line, location.column if not found.star else 0


def _candidates(scope: Scope, resolver: Resolver) -> Iterator[_Candidate]:
    generated = resolver.generated(scope).names
    for name, binding in {**scope.bindings, **generated}.items():
        if name.startswith("_") or isinstance(binding.value, ImportedModule):
            continue
        target = resolver.value(scope, binding.value, binding.node)
        if isinstance(binding.value, Elsewhere):
            yield from _generated_candidate(
                resolver, _Candidate(name, binding.node, target, made=True)
            )
            continue
        imported = isinstance(binding.value, ImportedName)
        found = _candidate(resolver, _Candidate(name, binding.node, target, imported=imported))
        if found:
            yield found
    seen = {*scope.bindings, *generated}
    for star in reversed(scope.stars):
        for name in resolver.star_names(star.module) or ():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            target = resolver.member(star.module, name)
            candidate = _Candidate(name, star.node, target, imported=True, star=star.module)
            found = _candidate(resolver, candidate)
            if found:
                yield found


def _generated_candidate(resolver: Resolver, found: _Candidate) -> Iterator[_Candidate]:
    """A candidate whose name is made at run time, unless its value cannot be called."""
    match found.target:
        case Valued(scope, value):
            called = find_callable(resolver, found.target)
            is_plain = value is None or is_plain_value(resolver, scope, value)
            if called or not is_plain:
                yield replace(found, called=called or CallableValue())
        case External(name):
            if not is_helper_origin(name):
                yield found
        case Defined() | Unresolved():
            yield found


def _candidate(resolver: Resolver, found: _Candidate) -> _Candidate | None:
    """The candidate if it can be called, else None."""
    match found.target:
        case Defined():
            return found
        case External(name):
            assigned = not found.imported
            return None if assigned or not is_callable_name(name) else found
        case Valued() as valued:
            called = find_callable(resolver, valued)
            if called is None:
                return None
            return _Candidate(
                found.name, found.node, valued, called, imported=found.imported, star=found.star
            )
        case Unresolved():
            return None if is_constant_name(found.name) else found
        case Module():
            return None


def _prepare(scope: Scope, resolver: Resolver, candidates: list[_Candidate]) -> _Sorting:
    names = {found.name for found in candidates}
    declared = frozenset(read_all(scope) or ()) & names
    stars = {star.module for star in scope.stars}
    star_uses: frozenset[str] = frozenset()
    for module in stars:
        starred = resolver.tree.scope(module)
        star_uses |= names_used(starred.file.tree) if starred else frozenset()
    brought = [
        found
        for found in candidates
        if found.star and found.name not in star_uses and _is_function(found)
    ]
    return _Sorting(
        scope,
        resolver,
        ReturnsReader(resolver),
        names_used(scope.file.tree),
        declared,
        is_facade=not any(isinstance(found.target, Defined) for found in candidates),
        defines=any(not found.imported and _is_function(found) for found in candidates),
        star_uses=star_uses,
        star_asks=all(_is_helper(found) for found in brought),
        shown=_find_shown(resolver, candidates),
    )


def _find_shown(resolver: Resolver, candidates: list[_Candidate]) -> frozenset[str]:
    """The callables of the repo that its documents near the root load from it."""
    own = (found.name for found in candidates if not isinstance(found.target, External))
    snippets = read_near_snippets(resolver.tree.files)
    return frozenset(
        one.entrypoint for one in select_own(snippets, frozenset(own)) if one.entrypoint
    )


def _is_published(found: _Candidate, sorting: _Sorting) -> bool:
    if sorting.declared:
        return found.name in sorting.declared
    if found.name in sorting.shown and not isinstance(found.target, External):
        return True
    used = found.name in sorting.used
    if not found.imported:
        return not (used and _is_helper(found))
    if used:
        return False
    if found.star:
        return _is_published_by_star(found, sorting)
    if isinstance(found.target, External):
        return sorting.is_facade and not is_helper_origin(found.target.name)
    return not (sorting.defines and _is_class(found))


def _is_class(found: _Candidate) -> bool:
    return isinstance(found.target, Defined) and isinstance(found.target.node, ast.ClassDef)


def _is_function(found: _Candidate) -> bool:
    return isinstance(found.target, Defined) and not _is_class(found)


def _is_helper(found: _Candidate) -> bool:
    """Whether something that other code of the hubconf uses is only a helper.

    Such a function requires arguments that its callers know; a published one that others build on
    can be called without any. A class of the hubconf is one that other code there builds.
    """
    match found.target, found.called:
        case Defined(node=ast.ClassDef()), _:
            return True
        case Defined(node=ast.FunctionDef() as node), _:
            optional = len(node.args.defaults)
            return len(node.args.posonlyargs) + len(node.args.args) > optional
        case _, CallableValue(parameters=parameters) if parameters is not None:
            return any(parameter.required for parameter in parameters)
    return False


def _is_published_by_star(found: _Candidate, sorting: _Sorting) -> bool:
    """Whether a star import brought something on purpose.

    With ``__all__`` it did. Without, everything came along: what the starred modules imported from
    elsewhere, their classes and the functions they use themselves are not what was meant, nor are
    those that ask for arguments where others can be called without.
    """
    starred = sorting.resolver.tree.scope(found.star)
    if starred is None or isinstance(found.target, External):
        return False
    if "__all__" in starred.bindings:
        return True
    if _is_class(found):
        return False
    is_meant = sorting.star_asks or not _is_helper(found)
    return found.name not in sorting.star_uses and is_meant


def _name_only(found: _Candidate, sorting: _Sorting) -> Entrypoint:
    location = sorting.scope.file.location(found.node)
    docstring = found.called.docstring if found.called else None
    kind: EntrypointKind = "value" if found.called else "function"
    if isinstance(found.target, Defined):
        docstring = ast.get_docstring(found.target.node)
    return Entrypoint(found.name, kind, (), None, docstring, Returns("unknown"), location, location)


def _entrypoint(found: _Candidate, sorting: _Sorting) -> Entrypoint:
    scope, resolver, target = sorting.scope, sorting.resolver, found.target
    location = scope.file.location(found.node)
    docstring = scope.docstrings.get(found.name)
    kind: EntrypointKind = "class" if found.name[:1].isupper() else "function"
    match target, found.called:
        case Defined() as defined, _:
            return Entrypoint(
                found.name,
                "class" if isinstance(defined.node, ast.ClassDef) else "function",
                defined.via,
                _note_ignored(resolver, defined, find_parameters(resolver, defined)),
                docstring or ast.get_docstring(defined.node),
                sorting.returns.read(defined),
                location,
                defined.scope.file.location(defined.node),
            )
        case Valued() as valued, CallableValue() as called:
            returning = called.returning
            return Entrypoint(
                found.name,
                "value",
                valued.via,
                called.parameters,
                docstring or called.docstring,
                sorting.returns.read(returning) if returning else Returns("unknown"),
                location,
                valued.scope.file.location(valued.node),
                called.made_by,
                wrapped_docstring=ast.get_docstring(returning.node)
                if returning and called.made_by == "partial"
                else None,
            )
    return Entrypoint(
        found.name, kind, target.via, None, docstring, Returns("unknown"), location, location
    )


def _note_ignored(
    resolver: Resolver, found: Defined, parameters: tuple[Parameter, ...] | None
) -> tuple[Parameter, ...] | None:
    """The parameters, with the function that ignores ``**kwargs`` when they are passed to it."""
    if not parameters or parameters[-1].kind != "var-keyword" or parameters[-1].ignored:
        return parameters
    callee = find_ignoring_callee(resolver, found)
    return (*parameters[:-1], replace(parameters[-1], ignored_by=callee)) if callee else parameters


def _origin(found: _Candidate) -> str:
    match found.target:
        case External(name):
            return name.rpartition(".")[0]
        case Defined(scope, node):
            what = "a class" if isinstance(node, ast.ClassDef) else "a function"
            where = "the hubconf" if not found.imported else scope.file.module
            return f"{what} of {where}"
        case Valued(scope):
            return f"a value of {scope.file.module if found.imported else 'the hubconf'}"
        case Unresolved(module):
            return module
        case Module(name):
            return name


def _all_dynamic_names(scope: Scope, resolver: Resolver) -> Iterator[ast.AST]:
    yield from resolver.generated(scope).opaque
    for star in scope.stars:
        if _has_dynamic_names(star.module, resolver):
            yield star.node


def _has_dynamic_names(module: str, resolver: Resolver) -> bool:
    """Whether the source does not show all names of ``from module import *``."""
    if resolver.star_names(module) is None:
        return True
    for scope in resolver.starred(module):
        if "__all__" in scope.bindings:
            continue
        leaves = any(resolver.tree.module(star.module) is None for star in scope.stars)
        if leaves or resolver.generated(scope).opaque:
            return True
    return False
