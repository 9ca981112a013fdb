"""The names of a module and of the functions in it: what they are bound to, and which are used."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from hubkit.analysis.syntax import Branch, branches_of, child_nodes, is_on, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hubkit.analysis.modules import SourceFile

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class ImportedModule(Struct, frozen=True):
    """``import a.b as c``: the name is a module."""

    module: str


class ImportedName(Struct, frozen=True):
    """``from a.b import c``: the name is a member of a module, or a submodule."""

    module: str
    name: str


class Elsewhere(Struct, frozen=True):
    """An expression among other names than those around the name that is bound to it."""

    scope: Scope
    expression: ast.expr


Value: TypeAlias = (
    FunctionNode | ast.ClassDef | ImportedModule | ImportedName | Elsewhere | ast.expr | None
)


class Binding(Struct, frozen=True):
    """A name and what it is bound to.

    Attributes:
        name: The name.
        node: What binds it, for its place.
        value: What it is bound to; None if the source does not show it.
        choices: The expressions that it may be assigned, if there are several.
    """

    name: str
    node: ast.AST
    value: Value
    choices: tuple[ast.expr, ...] = ()


class GeneratedNames(Struct, frozen=True):
    """Names that a module binds at run time.

    Attributes:
        names: Those that following its code shows, by name.
        opaque: The places that bind names which the source does not show.
    """

    names: dict[str, Binding] = field(default_factory=dict)
    opaque: tuple[ast.AST, ...] = ()


class Star(Struct, frozen=True):
    """``from module import *``."""

    module: str
    node: ast.ImportFrom


class Scope(Struct, frozen=True):
    """The names of one module.

    Attributes:
        file: The module's file.
        bindings: Its own names; a name bound twice is bound to what runs last, and to the first
            alternative of a ``try`` or an ``if``.
        stars: Its star imports, in order.
        docstrings: Texts assigned to ``name.__doc__``.
        outer: The scope around it, for a function's names; None for a module's.
    """

    file: SourceFile
    bindings: dict[str, Binding] = field(default_factory=dict)
    stars: list[Star] = field(default_factory=list)
    docstrings: dict[str, str] = field(default_factory=dict)
    outer: Scope | None = None

    def binding(self, name: str) -> Binding | None:
        """What a name is bound to here or in a scope around, or None."""
        return self.owner(name).bindings.get(name)

    def owner(self, name: str) -> Scope:
        """The scope here or around that binds a name; the module's if none does."""
        scope = self
        while scope.outer is not None and name not in scope.bindings:
            scope = scope.outer
        return scope

    def constant(self, name: str) -> ast.expr | None:
        """The expression that a name is assigned, or None."""
        binding = self.binding(name)
        value = binding.value if binding else None
        return value if isinstance(value, ast.expr) else None


def read_scope(file: SourceFile) -> Scope:
    """Collect what importing a module binds, without what runs only as a script."""
    scope = Scope(file)
    scope.bindings.update(_bindings(file.tree.body, scope))
    return scope


def absolute_module(file: SourceFile, node: ast.ImportFrom) -> str:
    """The absolute dotted name in a ``from`` import; "" for the repo's root."""
    if not node.level:
        return node.module or ""
    parts = file.module.split(".")
    drop = node.level - 1 if file.is_package else node.level
    base = parts[: max(len(parts) - drop, 0)]
    return ".".join([*base, node.module] if node.module else base)


def _bindings(statements: Iterable[ast.stmt], scope: Scope) -> dict[str, Binding]:
    bound: dict[str, Binding] = {}
    for statement in statements:
        alternatives = branches_of(statement)
        if alternatives is not None:
            bound.update(_merge(alternatives, scope))
        else:
            _bind(statement, scope, bound)
    return bound


def _merge(branches: Iterable[Branch], scope: Scope) -> dict[str, Binding]:
    """Join alternatives so that the first one that binds a name wins."""
    merged: dict[str, Binding] = {}
    for branch in branches:
        if branch.runs_on_import:
            bound = {
                target.id: Binding(target.id, target, None)
                for target in branch.targets
                if isinstance(target, ast.Name)
            }
            bound.update(_bindings(branch.body, scope))
            merged = {**bound, **merged} if branch.is_alternative else {**merged, **bound}
    return merged


def _bind(statement: ast.stmt, scope: Scope, bound: dict[str, Binding]) -> None:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            bound[statement.name] = Binding(statement.name, statement, statement)
        case ast.Import():
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                module = alias.name if alias.asname else name
                bound[name] = Binding(name, alias, ImportedModule(module))
        case ast.ImportFrom():
            _bind_from(statement, scope, bound)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(target, value, scope, bound)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _bind_target(target, value, scope, bound)
        case ast.AugAssign(target=ast.Name(id=name)):
            bound[name] = Binding(name, statement, None)
        case ast.Delete(targets=targets):
            _unbind(targets, bound)


def _unbind(targets: list[ast.expr], bound: dict[str, Binding]) -> None:
    for target in targets:
        if isinstance(target, ast.Name):
            bound.pop(target.id, None)


def _bind_from(node: ast.ImportFrom, scope: Scope, bound: dict[str, Binding]) -> None:
    module = absolute_module(scope.file, node)
    for alias in node.names:
        if alias.name == "*":
            scope.stars.append(Star(module, node))
            continue
        name = alias.asname or alias.name
        if name in bound and (module, alias.name) == (scope.file.module, name):
            continue  # What a module imports from itself is what it has bound before.
        bound[name] = Binding(name, alias, ImportedName(module, alias.name))


def _bind_target(
    target: ast.expr, value: ast.expr | None, scope: Scope, bound: dict[str, Binding]
) -> None:
    match target, value:
        case ast.Name(id=name), _:
            bound[name] = Binding(name, target, value)
        case ast.Starred(value=inner), _:
            _bind_target(inner, None, scope, bound)
        case (
            (ast.Tuple(elts=names) | ast.List(elts=names)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ) if len(names) == len(values):
            for inner, part in zip(names, values, strict=True):
                _bind_target(inner, part, scope, bound)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), _):
            for inner in names:
                _bind_target(inner, None, scope, bound)
        case (
            ast.Attribute(value=ast.Name(id=name), attr="__doc__"),
            ast.Constant(value=str(text)),
        ):
            scope.docstrings[name] = text


_BINDING = (
    *(ast.For, ast.AsyncFor, ast.AugAssign, ast.With, ast.AsyncWith),
    *(ast.ExceptHandler, ast.Delete, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
)
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class FunctionScope(Struct, frozen=True):
    """A function's names over those of its module.

    Attributes:
        scope: The module's names, hidden by the function's. A name that is assigned once is bound
            to what it is assigned, any other local one to nothing known.
        assigned: Everything that each local variable is assigned, None where the source does not show it.
        nodes: Every node of its body, without the insides of functions and classes in it.
    """

    scope: Scope
    assigned: dict[str, list[ast.expr | None]]
    nodes: tuple[ast.AST, ...] = ()


def module_scope(scope: Scope) -> FunctionScope:
    """The names at a module's top level, as if it were a function without names of its own."""
    return FunctionScope(scope, {})


def read_function_scope(scope: Scope, function: FunctionNode) -> FunctionScope:
    """Collect a function's names."""
    assigned: dict[str, list[ast.expr | None]] = {
        name: [None] for name in _argument_names(function)
    }
    bound: dict[str, Value] = {}
    nodes = tuple(own_nodes(function))
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound[node.name] = node
            case ast.Import() | ast.ImportFrom():
                bound.update(_imported_names(scope, node))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(target, value, assigned)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                assigned.setdefault(name, []).append(value)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                assigned.setdefault(name, []).append(value)
            case _:
                for name in _bound_otherwise(node):
                    assigned.setdefault(name, []).append(None)
    overlay = {name: Binding(name, function, value) for name, value in bound.items()}
    for name, values in assigned.items():
        overlay[name] = _local(name, function, () if name in bound else values)
    inner = Scope(scope.file, overlay, scope.stars, outer=scope)
    return FunctionScope(inner, assigned, nodes)


def _local(name: str, function: FunctionNode, values: Sequence[ast.expr | None]) -> Binding:
    known = tuple(value for value in values if value is not None)
    if len(known) < len(values) or not known:
        return Binding(name, function, None)
    return (
        Binding(name, function, known[0])
        if len(known) == 1
        else Binding(name, function, None, known)
    )


def own_nodes(function: FunctionNode) -> list[ast.AST]:
    """Every node of a function's body, without the insides of functions and classes in it."""
    pending: list[ast.AST] = list(reversed(function.body))
    found: list[ast.AST] = []
    while pending:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, _NESTED):
            pending += reversed(child_nodes(node))
    return found


def _argument_names(function: FunctionNode) -> Iterator[str]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for extra in (arguments.vararg, arguments.kwarg):
        if extra:
            yield extra.arg


def _imported_names(scope: Scope, node: ast.Import | ast.ImportFrom) -> dict[str, Value]:
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: ImportedModule(
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            for alias in node.names
        }
    module = absolute_module(scope.file, node)
    return {
        alias.asname or alias.name: ImportedName(module, alias.name)
        for alias in node.names
        if alias.name != "*"
    }


def _assign(target: ast.expr, value: ast.expr, assigned: dict[str, list[ast.expr | None]]) -> None:
    if isinstance(target, ast.Name):
        assigned.setdefault(target.id, []).append(value)
        return
    for node in walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assigned.setdefault(node.id, []).append(None)


def _bound_otherwise(node: ast.AST) -> Iterable[str]:
    """Names that a node binds to something that the source does not show."""
    return _bound_by(node) if node.__class__ in _BINDING else ()


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.AugAssign(target=target):
            parts = [target]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            parts = [item.optional_vars for item in items if item.optional_vars]
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name
            return
        case ast.Delete(targets=targets):
            parts = targets
        case _:
            return
    for part in parts:
        for inner in walk(part):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                yield inner.id


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def names_used(tree: ast.Module) -> frozenset[str]:
    """Global names that code at the top level or in functions and classes reads.

    What a function reads of itself does not count, nor what runs only as a script.
    """
    used: set[str] = set()
    for statement in _run_statements(tree.body):
        names = set(_names_read(statement, frozenset()))
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.discard(statement.name)
        used |= names
    return frozenset(used)


def _run_statements(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        branches = branches_of(statement)
        if branches is None:
            yield statement
            continue
        for child in child_nodes(statement):
            if isinstance(child, ast.expr | ast.withitem):
                yield child
        for branch in branches:
            if branch.runs_on_import:
                yield from _run_statements(branch.body)


def _names_read(node: ast.AST, hidden: frozenset[str]) -> Iterator[str]:
    """Names read in a node, less those that enclosing functions have as their own."""
    pending = [(node, hidden)]
    while pending:
        current, local = pending.pop()
        if isinstance(current, ast.Name):
            if isinstance(current.ctx, ast.Load) and current.id not in local:
                yield current.id
            continue
        if isinstance(current, _FUNCTIONS):
            outside, inside = _function_parts(current)
            pending += [(child, local) for child in outside]
            own = local | _local_names(current)
            pending += [(child, own) for child in inside]
            continue
        pending += [(child, local) for child in child_nodes(current)]


def _function_parts(node: FunctionNode | ast.Lambda) -> tuple[list[ast.AST], list[ast.AST]]:
    """A function's parts that run outside it (decorators, defaults, annotations) and inside."""
    if isinstance(node, ast.Lambda):
        return [node.args], [node.body]
    outside: list[ast.AST] = [*node.decorator_list, node.args]
    if node.returns:
        outside.append(node.returns)
    return outside, list(node.body)


def _local_names(node: FunctionNode | ast.Lambda) -> frozenset[str]:
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    listed += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    names = {argument.arg for argument in listed}
    shared: set[str] = set()
    if isinstance(node, ast.Lambda):
        return frozenset(names)
    pending: list[ast.AST] = list(node.body)
    while pending:
        current = pending.pop()
        match current:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.Global(names=globals_):
                shared.update(globals_)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(current.name)
                continue
            case ast.Lambda():
                continue
        pending += child_nodes(current)
    return frozenset(names - shared)


_NAMESPACES = frozenset({"globals", "locals", "vars"})
_WRITERS = frozenset({"update", "setdefault", "__setitem__"})
# Functions that do not write to a namespace that they get.
_READERS = frozenset(
    {
        *("bool", "callable", "dict", "dir", "getattr", "hasattr", "id", "isinstance", "iter"),
        *("len", "list", "print", "repr", "set", "sorted", "str", "tuple", "type", "vars"),
    }
)
_HINTS = (
    "globals(",
    "locals(",
    "vars(",
    "setattr(",
    "exec(",
    "__dict__",
    ".modules[",
    "import_module(",
)


def find_dynamic_names(scope: Scope) -> list[ast.AST]:
    """The statements or calls of a module that bind names which source does not spell."""
    hints = [hint for hint in _HINTS if hint in scope.file.text]
    if not hints:
        return []
    aliases = frozenset(
        name
        for name, binding in scope.bindings.items()
        if isinstance(binding.value, ast.expr)
        and (is_namespace(binding.value) or is_module_itself(binding.value))
    )
    finder = _DynamicNames(aliases, scope.file.lines_with_words((*hints, *aliases)))
    return list(finder.find(scope.file.tree.body))


class _DynamicNames(Struct, frozen=True):
    """Finds code that binds names in a module.

    Attributes:
        aliases: Variables that hold the module or its namespace.
        lines: The lines that may matter.
    """

    aliases: frozenset[str]
    lines: tuple[int, ...]

    def find(self, body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
        for statement in body:
            if not is_on(statement, self.lines):
                continue
            branches = branches_of(statement)
            if branches is not None:
                for branch in branches:
                    if branch.runs_on_import:
                        yield from self.find(branch.body)
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                # In a function only globals() is the module's namespace, and exec is its own affair.
                hidden = _local_names(statement)
                inner = _DynamicNames(self.aliases - hidden | _aliases_in(statement), self.lines)
                yield from inner.find_in(statement, frozenset({"globals"}), executes=False)
            elif not isinstance(statement, ast.ClassDef):
                yield from self.find_in(statement, _NAMESPACES, executes=True)

    def find_in(
        self, node: ast.AST, namespaces: frozenset[str], *, executes: bool
    ) -> Iterator[ast.AST]:
        for part in walk(node):
            match part:
                case ast.Subscript(value=value, ctx=ast.Store()):
                    if self.is_space(value, namespaces):
                        yield part
                case ast.AugAssign(target=target):
                    if self.is_space(target, namespaces):
                        yield part
                case ast.Call() if self._is_write(part, namespaces, executes=executes):
                    yield part

    def _is_write(self, call: ast.Call, namespaces: frozenset[str], *, executes: bool) -> bool:
        match call.func:
            case ast.Name(id="setattr"):
                return bool(call.args) and self._is_module(call.args[0])
            case ast.Name(id="exec"):
                return executes
            case ast.Name(id=name) if name in _READERS:
                return False
            case ast.Attribute(value=value, attr=method) if self.is_space(value, namespaces):
                return method in _WRITERS
        return any(map(self._is_own, call.args))

    def _is_own(self, argument: ast.expr) -> bool:
        """Whether an argument is the module or its namespace, which the called function may fill."""
        if isinstance(argument, ast.Name):
            return argument.id in self.aliases
        return is_module_itself(argument) or is_namespace(argument, frozenset({"globals"}))

    def is_space(self, node: ast.expr, namespaces: frozenset[str]) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self.aliases
            case ast.Attribute(value=ast.Name(id=name), attr="__dict__"):
                return name in self.aliases
            case ast.Call(func=ast.Name(id="vars"), args=[ast.Name(id=name)]):
                return name in self.aliases
        return is_namespace(node, namespaces)

    def _is_module(self, node: ast.expr) -> bool:
        return is_module_itself(node) or (isinstance(node, ast.Name) and node.id in self.aliases)


def _aliases_in(function: FunctionNode) -> frozenset[str]:
    """Variables of a function that hold its module or the module's namespace."""
    return frozenset(
        node.targets[0].id
        for node in own_nodes(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and (is_module_itself(node.value) or is_namespace(node.value, frozenset({"globals"})))
    )


def is_namespace(node: ast.expr, namespaces: frozenset[str] = _NAMESPACES) -> bool:
    """Whether an expression is the dict of the module's names."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[]) if name in namespaces:
            return True
        case ast.Call(func=ast.Name(id="vars"), args=[target]):
            return is_module_itself(target)
        case ast.Attribute(value=target, attr="__dict__"):
            return is_module_itself(target)
    return False


def is_module_itself(node: ast.expr) -> bool:
    """Whether an expression is the module itself: ``sys.modules[__name__]``."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")):
            return True
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Name(id="__name__")]):
            return True
    return False
