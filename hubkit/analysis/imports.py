"""The imports of a hubconf and of the modules that it reaches, and code that cannot work there."""

from __future__ import annotations

import ast
import re
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.dependencies import is_known
from hubkit.analysis.resolve import Defined, External, Module, Unresolved
from hubkit.analysis.returns import is_module_class
from hubkit.analysis.scope import Scope, absolute_module, find_dynamic_names
from hubkit.analysis.syntax import branches_of, is_on, statements, walk
from hubkit.analysis.values import find_string, read_all
from hubkit.facts import (
    Import,
    LateImport,
    MissingExport,
    ModuleClass,
    OwnImport,
    OwnModuleLookup,
    RelativeImport,
    Use,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.modules import SourceFile
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope


class Reach(Struct, frozen=True):
    """The imports and modules that a hubconf reaches.

    Attributes:
        imports: Imports that leave the repo.
        own_imports: Imports of the repo's modules, the most certain one of each, and those that must fail.
        scopes: The hubconf and the repo's modules that it imports, nearest first.
        eager: Those that importing the hubconf imports.
    """

    imports: tuple[Import, ...]
    own_imports: tuple[OwnImport, ...]
    scopes: tuple[Scope, ...]
    eager: tuple[Scope, ...]


class _Level(Struct, frozen=True):
    """How surely an import runs when the hubconf is imported; the smaller, the surer."""

    in_function: bool = False
    guarded: bool = False

    def within(self, *, in_function: bool = False, guarded: bool = False) -> _Level:
        return _Level(self.in_function or in_function, self.guarded or guarded)


class _Statement(Struct, frozen=True):
    node: ast.Import | ast.ImportFrom
    level: _Level
    runs: bool = True


class _Visit(Struct, frozen=True):
    """A module of the repo to visit."""

    scope: Scope
    level: _Level
    chain: tuple[str, ...]


# Surest first, so that the first visit of a module is the one that counts.
_LEVELS = (_Level(), _Level(guarded=True), _Level(in_function=True), _Level(True, True))


class _Walk(Struct):
    resolver: Resolver
    queues: dict[_Level, deque[_Visit]] = field(
        default_factory=lambda: {level: deque() for level in _LEVELS}
    )
    visited: set[str] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)
    own_imports: dict[tuple[str, str], OwnImport] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)
    eager: list[Scope] = field(default_factory=list)

    def run(self, hubconf: Scope, called: Iterable[Defined]) -> Reach:
        self.queues[_Level()].append(_Visit(hubconf, _Level(), ("hubconf",)))
        self.drain(hubconf)
        for found in called:
            visit = _Visit(found.scope, _Level(in_function=True), ("hubconf", *found.via))
            for statement in _statements(found.node.body, visit.level, functions=True):
                self.follow(visit, statement)
        self.drain(hubconf)
        return Reach(
            tuple(self.imports),
            tuple(self.own_imports.values()),
            tuple(self.scopes),
            tuple(self.eager),
        )

    def drain(self, hubconf: Scope | None) -> None:
        """Visit the waiting modules and their imports."""
        while visit := self._next():
            if visit.scope.file.path in self.visited:
                continue
            self.visited.add(visit.scope.file.path)
            self.scopes.append(visit.scope)
            if not visit.level.in_function:
                self.eager.append(visit.scope)
            body = visit.scope.file.tree.body
            for statement in _statements(body, visit.level, functions=visit.scope is hubconf):
                self.follow(visit, statement)

    def _next(self) -> _Visit | None:
        return next((queue.popleft() for queue in self.queues.values() if queue), None)

    def follow(self, visit: _Visit, statement: _Statement) -> None:
        """Record the imports of a statement, and enqueue modules of the repo."""
        tree, file = self.resolver.tree, visit.scope.file
        for module, names in _modules(file, statement.node):
            if tree.module(module.partition(".")[0]) is None:
                package = self._package_of_sibling(file, module)
                if package:
                    self._record_sibling(visit, statement, package, module)
                else:
                    self._record(visit, statement, module)
            elif statement.runs:
                for name in self._own_modules(module, names):
                    self._record_own(visit, statement, name)
                    self._enqueue(name, visit, statement.level)
                for missing in self._find_missing(module, names):
                    self._record_own(visit, statement, module, missing)

    def _record(self, visit: _Visit, statement: _Statement, module: str) -> None:
        level, location = statement.level, visit.scope.file.location(statement.node)
        self.imports.append(Import(module, location, level.in_function, level.guarded, visit.chain))

    def _package_of_sibling(self, file: SourceFile, module: str) -> str:
        """The package of a file, if an import without a dot means a module beside it; else ""."""
        top, package = module.partition(".")[0], file.module.rpartition(".")[0]
        if file.path.endswith("__init__.py"):
            package = file.module
        if not package or is_stdlib(top) or is_known(top) or top in self.resolver.tree.outside:
            return ""
        return package if self.resolver.tree.module(f"{package}.{top}") is not None else ""

    def _record_sibling(
        self, visit: _Visit, statement: _Statement, package: str, module: str
    ) -> None:
        """Record an import that would work only with a dot in front."""
        place = visit.scope.file.path
        missing = f"there is no module `{module}`, only `{package}.{module}` beside `{place}`"
        is_from = isinstance(statement.node, ast.ImportFrom)
        correct = f"from .{module} import ..." if is_from else f"from . import {module}"
        self._record_own(visit, statement, module, missing, correct)
        self._enqueue(f"{package}.{module}", visit, statement.level)

    def _record_own(
        self,
        visit: _Visit,
        statement: _Statement,
        module: str,
        missing: str = "",
        correct: str = "",
    ) -> None:
        if (module, missing) in self.own_imports:
            return
        level, location = statement.level, visit.scope.file.location(statement.node)
        own = self.resolver.tree.module(module)
        place = own.place if own else ""
        found = OwnImport(
            module,
            location,
            level.in_function,
            level.guarded,
            visit.chain,
            missing,
            place,
            correct,
        )
        self.own_imports[module, missing] = found

    def _find_missing(self, module: str, names: list[str]) -> Iterator[str]:
        """The names in an import of the repo's modules that do not exist."""
        tree = self.resolver.tree
        if module and tree.module(module) is None:
            yield f"there is no module `{module}`"
            return
        absent = [
            name
            for name in names
            if name != "*" and isinstance(self.resolver.member(module, name), Unresolved)
        ]
        if absent and self._tells_all_names(module):
            yield from (f"`{module}` has no `{name}`" for name in absent)

    def _tells_all_names(self, module: str) -> bool:
        scope = self.resolver.tree.scope(module)
        if scope is None or "__getattr__" in scope.bindings or find_dynamic_names(scope):
            return False
        return all(self.resolver.star_names(star.module) is not None for star in scope.stars)

    def _own_modules(self, module: str, names: list[str]) -> Iterator[str]:
        """The modules that one import of the repo's runs: packages on the way, and submodules."""
        parts = module.split(".") if module else []
        for end in range(1, len(parts) + 1):
            yield ".".join(parts[:end])
        if names == ["*"]:
            names = self.resolver.star_names(module) or []
        for name in names:
            member = self.resolver.member(module, name)
            if isinstance(member, Module):
                yield member.name

    def _enqueue(self, module: str, visit: _Visit, level: _Level) -> None:
        scope = self.resolver.tree.scope(module)
        if scope is not None and scope.file.path not in self.visited:
            self.queues[level].append(_Visit(scope, level, (*visit.chain, module)))


def find_reach(hubconf: Scope, resolver: Resolver, names: Iterable[str] = ()) -> Reach:
    """Follow a hubconf's imports through the repo.

    Imports at the top level are followed to the end; imports inside functions count in the
    hubconf and in the entrypoints that it re-exports, since what other functions import may never
    run.
    """
    targets = (resolver.name(hubconf, name) for name in names)
    called = [
        found
        for found in targets
        if isinstance(found, Defined)
        and found.scope is not hubconf
        and not isinstance(found.node, ast.ClassDef)
    ]
    return _Walk(resolver).run(hubconf, called)


def find_late_imports(resolver: Resolver, reach: Reach, functions: Iterable[Defined]) -> Reach:
    """What functions of the repo's modules import, and what that imports in turn.

    Args:
        resolver: Looks names up.
        reach: What the hubconf reaches without them.
        functions: The functions that calling entrypoints may reach.

    Returns:
        What is not in ``reach``; of imports of the repo's modules only those that must fail.
    """
    known = {(one.module, one.missing) for one in reach.own_imports}
    places = {one.location for one in reach.imports}
    walk = _Walk(resolver, visited={scope.file.path for scope in reach.scopes})
    for found in functions:
        visit = _Visit(found.scope, _Level(in_function=True), ("hubconf", found.scope.file.module))
        for statement in _statements(found.node.body, visit.level, functions=False):
            walk.follow(visit, statement)
    walk.drain(None)
    gaps = (one for key, one in walk.own_imports.items() if one.missing and key not in known)
    imports = (one for one in walk.imports if one.location not in places)
    return Reach(tuple(imports), tuple(gaps), tuple(walk.scopes), ())


def _read_packages(resolver: Resolver, reach: Reach, packages: Iterable[str]) -> tuple[Scope, ...]:
    """The modules of packages, and what they import in turn, that were not reached yet."""
    walk = _Walk(resolver, visited={scope.file.path for scope in reach.scopes})
    level = _Level(in_function=True)
    for package in packages:
        own = resolver.tree.module(package)
        folder = own.place.removesuffix("/__init__.py") if own and own.is_package else ""
        for name in sorted(resolver.tree.files.names(folder)) if folder else ():
            scope = resolver.tree.scope(f"{package}.{name.removesuffix('.py')}")
            if scope is not None:
                walk.queues[level].append(_Visit(scope, level, ("hubconf", scope.file.module)))
    walk.drain(None)
    return tuple(walk.scopes)


def _modules(
    file: SourceFile, node: ast.Import | ast.ImportFrom
) -> Iterator[tuple[str, list[str]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, []
    else:
        yield absolute_module(file, node), [alias.name for alias in node.names]


def _statements(
    body: Iterable[ast.stmt], level: _Level, *, functions: bool, runs: bool = True
) -> Iterator[_Statement]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield _Statement(statement, level, runs)
        elif isinstance(statement, ast.ClassDef):
            yield from _statements(statement.body, level, functions=functions, runs=runs)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if functions:
                inner = level.within(in_function=True)
                yield from _statements(statement.body, inner, functions=True, runs=runs)
        else:
            for branch in branches_of(statement) or ():
                inner = level.within(guarded=branch.guarded)
                runs_too = runs and branch.runs_on_import
                yield from _statements(branch.body, inner, functions=functions, runs=runs_too)


def find_dynamic_imports(
    resolver: Resolver, reach: Reach, packages: Iterable[str]
) -> tuple[Scope, ...]:
    """Modules that may load from other repos, and of which source does not show which one is imported."""
    found = _read_packages(resolver, reach, packages)
    return tuple(scope for scope in found if "hub.load" in scope.file.text)


def find_dynamic_loads(resolver: Resolver, scopes: Iterable[Scope]) -> Iterator[Use]:
    """Their calls of ``torch.hub.load``."""
    for scope in scopes:
        yield from _loads(resolver, scope)


def _loads(resolver: Resolver, scope: Scope) -> Iterator[Use]:
    for node in walk(scope.file.tree):
        if not isinstance(node, ast.Call):
            continue
        target = resolver.expression(scope, node.func)
        if isinstance(target, External) and target.name == "torch.hub.load":
            arguments = tuple(find_string(resolver, scope, one) for one in node.args)
            keywords = tuple((one.arg or "**", ast.unparse(one.value)) for one in node.keywords)
            location = scope.file.location(node)
            yield Use(target.name, location, False, True, arguments, keywords)


# Methods that run once the model is there.
_LATER = re.compile(r"forward\w*|__call__|predict\w*|generate\w*|inference|encode\w*|decode\w*")
# What dataclasses takes for a name that it must look up in the class's module: any annotation that
# is text and begins with an identifier (Lib/dataclasses.py, _MODULE_IDENTIFIER_RE).
_LOOKED_UP = re.compile(r"\s*\w")
_INDENTED_IMPORT = re.compile(r"^[ \t]+(?:import|from)\s", re.MULTILINE)


class Hazards(Struct, frozen=True):
    """Code that fails because torch.hub does not register hubconf.py and removes its path.

    Attributes:
        relative_imports: Relative imports in the hubconf.
        module_classes: Classes of ``nn.Module`` that the hubconf defines.
        own_module_lookups: Places that look the hubconf up in ``sys.modules``.
        late_imports: Imports of the repo's modules that run after loading.
        missing_exports: Names in ``__all__`` that the hubconf does not define.
    """

    relative_imports: tuple[RelativeImport, ...]
    module_classes: tuple[ModuleClass, ...]
    own_module_lookups: tuple[OwnModuleLookup, ...]
    late_imports: tuple[LateImport, ...]
    missing_exports: tuple[MissingExport, ...]


def find_hazards(
    hubconf: Scope, resolver: Resolver, scopes: Iterable[Scope], own_imports: Iterable[OwnImport]
) -> Hazards:
    """Find code that cannot work in a hubconf, or after torch.hub has loaded it.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        own_imports: The imports of the repo's modules in its reach.
    """
    loaded = {one.top for one in own_imports}
    late = [one for scope in scopes for one in _late_imports(scope, resolver, loaded)]
    return Hazards(
        tuple(_relative_imports(hubconf, hubconf.file.tree.body)),
        tuple(_module_classes(hubconf, resolver)),
        (*_dataclasses(hubconf, resolver), *_own_module_lookups(hubconf, resolver)),
        tuple(dict.fromkeys(late)),
        tuple(_missing_exports(hubconf, resolver)),
    )


def _relative_imports(scope: Scope, body: Iterable[ast.stmt]) -> Iterator[RelativeImport]:
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            text = "." * statement.level + (statement.module or "")
            yield RelativeImport(text, scope.file.location(statement))
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _relative_imports(scope, statement.body)
        else:
            for branch in branches_of(statement) or ():
                if branch.runs_on_import and not branch.guarded:
                    yield from _relative_imports(scope, branch.body)


def _module_classes(scope: Scope, resolver: Resolver) -> Iterator[ModuleClass]:
    for node in _classes(scope):
        if is_module_class(resolver, Defined(scope, node)):
            yield ModuleClass(node.name, scope.file.location(node))


def _dataclasses(scope: Scope, resolver: Resolver) -> Iterator[OwnModuleLookup]:
    """Dataclasses with annotations that are text: ``dataclasses`` looks up the module for them."""
    postponed = any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and any(alias.name == "annotations" for alias in statement.names)
        for statement in scope.file.tree.body
    )
    for node in _classes(scope):
        is_dataclass = _is_dataclass(Defined(scope, node), resolver)
        if is_dataclass and any(_annotations(node, postponed=postponed)):
            code = f"@dataclass with postponed annotations on `{node.name}`"
            yield OwnModuleLookup(code, scope.file.location(node))


def _classes(scope: Scope) -> Iterator[ast.ClassDef]:
    for binding in scope.bindings.values():
        if isinstance(binding.value, ast.ClassDef):
            yield binding.value


def _is_dataclass(found: Defined, resolver: Resolver) -> bool:
    for decorator in found.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = resolver.expression(found.scope, called)
        if isinstance(target, External) and target.name == "dataclasses.dataclass":
            return True
    return False


def _annotations(node: ast.ClassDef, *, postponed: bool) -> Iterator[ast.expr]:
    """Annotations that dataclasses sees as text."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            annotation = statement.annotation
            is_text = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
            if postponed or (is_text and _LOOKED_UP.match(str(annotation.value))):  # type: ignore[attr-defined]
                yield annotation


def _own_module_lookups(scope: Scope, resolver: Resolver) -> Iterator[OwnModuleLookup]:
    if "__name__" not in scope.file.text:
        return
    for node in walk(scope.file.tree):
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id="__name__")):
                target = resolver.expression(scope, value)
                if isinstance(target, External) and target.name == "sys.modules":
                    yield OwnModuleLookup("sys.modules[__name__]", scope.file.location(node))


def _missing_exports(scope: Scope, resolver: Resolver) -> Iterator[MissingExport]:
    """Names in ``__all__`` that the hubconf does not bind."""
    listed = scope.bindings.get("__all__")
    if listed is None:
        return
    for name in read_all(scope) or ():
        if resolver.name(scope, name) is None:
            yield MissingExport(name, scope.file.location(listed.node))


def _late_imports(scope: Scope, resolver: Resolver, loaded: set[str]) -> Iterator[LateImport]:
    """Imports in methods that run after loading, of packages that loading does not import."""
    late: list[LateImport] = []
    lines = scope.file.lines_with(_INDENTED_IMPORT)
    if not lines:
        return
    for node in statements(scope.file.tree.body):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not is_on(node, lines):
            continue
        for part in statements(node.body, nested=False):
            for module in _imported(scope, part):
                top = module.partition(".")[0]
                if resolver.tree.module(top) is None or top in loaded or not top:
                    continue
                if _LATER.fullmatch(node.name):
                    late.append(LateImport(module, scope.file.location(part)))
                else:
                    # It may run while the model is built, and then the package stays imported.
                    loaded.add(top)
    yield from (one for one in late if one.module.partition(".")[0] not in loaded)


def _imported(scope: Scope, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield absolute_module(scope.file, node)
