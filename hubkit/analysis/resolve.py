"""Resolve names: what a name stands for, across modules."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from hubkit.analysis.modules import SourceFile, SourceTree, read_search_path, read_source
from hubkit.analysis.scope import (
    Elsewhere,
    FunctionNode,
    GeneratedNames,
    ImportedModule,
    ImportedName,
    Scope,
    read_function_scope,
    read_scope,
)
from hubkit.analysis.syntax import SyntaxCache, child_nodes, is_on
from hubkit.analysis.values import find_string, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.analysis.scope import FunctionScope, Value
    from hubkit.facts import Files

# Names looked up on the way, so that circles end and no name is looked up twice for one question.
Seen: TypeAlias = set[tuple[str, str]]


class Defined(Struct, frozen=True):
    """A function or class of the repo.

    Attributes:
        scope: The module that defines it.
        node: Its definition.
        via: Dotted modules that lead to it, outermost first, its own last.
    """

    scope: Scope
    node: FunctionNode | ast.ClassDef
    via: tuple[str, ...] = ()


class Valued(Struct, frozen=True):
    """A name of the repo that is assigned; ``value`` is None if the source does not show what."""

    scope: Scope
    value: ast.expr | None
    node: ast.AST
    via: tuple[str, ...] = ()


class External(Struct, frozen=True):
    """Something outside the repo, by dotted name."""

    name: str
    via: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """The top-level module."""
        return self.name.partition(".")[0]


class Module(Struct, frozen=True):
    """A module of the repo."""

    name: str
    via: tuple[str, ...] = ()


class Unresolved(Struct, frozen=True):
    """A name that a module of the repo should have, although the source does not show it."""

    module: str
    via: tuple[str, ...] = ()


Target: TypeAlias = Defined | Valued | External | Module | Unresolved


def _passed_on(target: Target, module: str) -> Target:
    """The same, reached through a module that re-exports it."""
    via = (module, *target.via)
    match target:
        case Defined(scope, node):
            return Defined(scope, node, via)
        case Valued(scope, value, node):
            return Valued(scope, value, node, via)
        case External(name):
            return External(name, via)
        case Module(name):
            return Module(name, via)
    return Unresolved(target.module, via)


def open_hubconf(files: Files, path: str) -> tuple[Scope, Resolver] | None:
    """The names of a hubconf that was read before, to find out more about it; None if it is gone.

    Args:
        files: The repo's files.
        path: The hubconf.
    """
    file = read_source(files, path, module="hubconf")
    if not isinstance(file, SourceFile):
        return None
    scope = read_scope(file)
    tree = SourceTree(files, read_search_path(scope, files))
    tree.add(scope)
    return scope, Resolver(tree)


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


class Resolver(Struct, frozen=True):
    """Looks names up in the repo's modules.

    Attributes:
        tree: The modules.
        syntax: What evaluating their code calls and stores.
    """

    tree: SourceTree
    syntax: SyntaxCache = field(default_factory=SyntaxCache)
    _functions: dict[tuple[int, int], FunctionScope] = field(default_factory=dict)
    _stars: dict[str, list[str] | None] = field(default_factory=dict)
    _found: dict[tuple[int, ast.expr], Target | None] = field(default_factory=dict)
    _counting: list[str] = field(default_factory=list)
    _generated: dict[str, GeneratedNames] = field(default_factory=dict)
    _kept: list[Scope] = field(default_factory=list)

    def inside(self, scope: Scope, function: FunctionNode) -> FunctionScope:
        """The names inside a function."""
        key = (id(scope), id(function))
        if key not in self._functions:
            self._functions[key] = read_function_scope(scope, function)
        return self._functions[key]

    def keep(self, scope: Scope) -> None:
        """Keep a scope alive, because answers are stored under its identity."""
        self._kept.append(scope)

    def generated(self, scope: Scope) -> GeneratedNames:
        """The names that a module binds at run time."""
        path = scope.file.path
        if path not in self._generated:
            from hubkit.analysis.generated_names import read_generated_names

            # Resolving names on the way leads back here.
            self._generated[path] = GeneratedNames()
            self._generated[path] = read_generated_names(self, scope)
        return self._generated[path]

    def name(self, scope: Scope, name: str, seen: Seen | None = None) -> Target | None:
        """What a name of a module stands for, or None if the module does not bind it.

        Args:
            scope: The module.
            name: The name.
            seen: Names that led here, so that circles end.
        """
        key = (scope.file.path, name)
        seen = set() if seen is None else seen
        if key in seen:
            return Unresolved(scope.file.module)
        seen.add(key)
        owner = scope.owner(name)
        binding = owner.bindings.get(name)
        made = self.generated(owner).names.get(name) if owner.outer is None else None
        if made is not None and (binding is None or _line(binding.node) < _line(made.node)):
            binding = made
        if binding is not None:
            return self.value(owner, binding.value, binding.node, seen)
        for star in reversed(scope.stars):
            if not self.tree.module(star.module):
                continue
            names = self.star_names(star.module)
            if names is None or name in names:
                target = self.member(star.module, name, seen)
                if not isinstance(target, Unresolved):
                    return target
        return None

    def value(self, scope: Scope, value: Value, node: ast.AST, seen: Seen | None = None) -> Target:
        """What a bound value stands for."""
        match value:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return Defined(scope, value)
            case Elsewhere(inner, expression):
                return self.expression(inner, expression, seen) or Valued(inner, expression, node)
            case ImportedModule(module):
                return Module(module) if self.tree.module(module) else External(module)
            case ImportedName(module, name):
                return self.member(module, name, seen)
            case ast.Name() | ast.Attribute():
                return self.expression(scope, value, seen) or Valued(scope, value, node)
        return Valued(scope, value, node)

    def member(self, module: str, name: str, seen: Seen | None = None) -> Target:
        """What ``module.name`` stands for."""
        if self.tree.module(module) is None:
            return External(f"{module}.{name}")
        scope = self.tree.scope(module)
        target = self.name(scope, name, seen) if scope else None
        if target is not None and not isinstance(target, Unresolved):
            return _passed_on(target, module)
        inner = f"{module}.{name}" if module else name
        return Module(inner) if self.tree.module(inner) else Unresolved(module, (module,))

    def expression(
        self, scope: Scope, expression: ast.expr, seen: Seen | None = None
    ) -> Target | None:
        """What a name or a dotted name stands for; None for anything else."""
        if seen is not None or self._counting:
            return self._follow(scope, expression, seen)
        key = (id(scope), expression)
        if key not in self._found:
            self._found[key] = self._follow(scope, expression, None)
        return self._found[key]

    def _follow(self, scope: Scope, expression: ast.expr, seen: Seen | None) -> Target | None:
        attributes: list[str] = []
        while isinstance(expression, ast.Attribute):
            attributes.append(expression.attr)
            expression = expression.value
        if isinstance(expression, ast.Name):
            target = self.name(scope, expression.id, seen)
        else:
            target = self._computed(scope, expression, seen)
        for attribute in reversed(attributes):
            match target:
                case Module(name):
                    target = self.member(name, attribute, seen)
                case External(name):
                    target = External(f"{name}.{attribute}")
                case _:
                    return None
        return target

    def _computed(self, scope: Scope, expression: ast.expr, seen: Seen | None) -> Target | None:
        """What a member whose name is computed stands for, such as ``models.__dict__[name]``."""
        match expression:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, key, *_]):
                pass
            case (
                ast.Subscript(value=ast.Attribute(value=owner, attr="__dict__"), slice=key)
                | ast.Subscript(value=ast.Call(func=ast.Name(id="vars"), args=[owner]), slice=key)
            ):
                pass
            case _:
                return None
        target = self.expression(scope, owner, seen)
        name = find_string(self, scope, key) if isinstance(target, Module | External) else None
        if name is None:
            return None
        if isinstance(target, Module):
            return self.member(target.name, name, seen)
        return External(f"{target.name}.{name}") if isinstance(target, External) else None

    def assigned(self, scope: Scope, expression: ast.expr) -> list[tuple[Scope, ast.expr]]:
        """The expressions that a name or a dotted name may be assigned; none if it may be another."""
        if isinstance(expression, ast.Name):
            binding = scope.binding(expression.id)
            if binding is not None and binding.choices:
                return [(scope, choice) for choice in binding.choices]
        target = self.expression(scope, expression)
        if isinstance(target, Valued) and target.value not in (None, expression):
            return [(target.scope, target.value)]
        return []

    def external(self, scope: Scope, expression: ast.expr) -> str:
        """The dotted name of something outside the repo or of a builtin; "" for anything else."""
        target = self.expression(scope, expression)
        if target is None and isinstance(expression, ast.Name):
            return expression.id
        return target.name if isinstance(target, External) else ""

    def own_name(self, scope: Scope, expression: ast.expr) -> str | None:
        """The ``__name__`` of a function or class of the repo, or None."""
        target = self.expression(scope, expression)
        return target.node.name if isinstance(target, Defined) else None

    def nodes(
        self, scope: Scope, start: ast.AST, lines: Sequence[int] | None = None
    ) -> Iterator[tuple[Scope, ast.AST]]:
        """Every node in a node of a module, with the names around it.

        Args:
            scope: The module.
            start: The node.
            lines: Lines of interest, in order: functions, and statements outside of functions, that
                are on none of them are skipped. None means all lines.
        """
        pending = [(scope, start)]
        while pending:
            around, node = pending.pop()
            if isinstance(node, ast.stmt) and around is scope and not is_on(node, lines):
                continue
            yield around, node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                around = self.inside(around, node).scope
            pending += [(around, child) for child in reversed(child_nodes(node))]

    def star_names(self, module: str) -> list[str] | None:
        """Names that ``from module import *`` brings, or None if the source does not show it."""
        if module not in self._stars:
            # Decorators may lead back here, through modules that star-import one another; what
            # they stand for meanwhile is not kept.
            self._stars[module] = None
            self._counting.append(module)
            self._stars[module] = self._star_names(module)
            self._counting.pop()
        return self._stars[module]

    def _star_names(self, module: str) -> list[str] | None:
        names: dict[str, None] = {}
        for scope in self.starred(module):
            own = self._listed_names(scope)
            if own is None and scope.file.module == module:
                return None
            names.update(dict.fromkeys(own or ()))
        return list(names) if self.tree.scope(module) else None

    def starred(self, module: str) -> Iterator[Scope]:
        """A module of the repo, and those from which it star-imports."""
        pending, visited = [module], set()
        while pending:
            name = pending.pop(0)
            scope = self.tree.scope(name)
            if scope is None or name in visited:
                continue
            visited.add(name)
            yield scope
            if "__all__" not in scope.bindings:
                pending += [star.module for star in scope.stars]

    def _listed_names(self, scope: Scope) -> list[str] | None:
        """Names that a star import takes from a module itself; None if the source does not show them."""
        if "__all__" in scope.bindings:
            return read_all(scope)
        names = {**scope.bindings, **self.generated(scope).names}
        public = [name for name in names if not name.startswith("_")]
        return self._registered_names(scope) or public

    def _registered_names(self, scope: Scope) -> list[str]:
        """Functions under timm's ``register_model``, which adds them to the module's ``__all__``."""
        names = []
        for name, binding in scope.bindings.items():
            decorators = getattr(binding.value, "decorator_list", ())
            for decorator in decorators:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                target = self.expression(scope, called)
                if (
                    isinstance(target, External)
                    and target.top == "timm"
                    and target.name.endswith(".register_model")
                ):
                    names.append(name)
        return names
