"""Names that modules bind while they are imported: in loops, by ``globals()``, from registries.

Loops over literals are run abstractly: each round gets names of its own over those of the module, so
that whatever evaluates expressions reads the values of that round. What cannot be followed is opaque.
"""

from __future__ import annotations

import ast
import contextlib
import re
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from msgspec import Struct, field

from hubkit import limits
from hubkit.analysis.resolve import Defined, Module, Valued
from hubkit.analysis.scope import (
    Binding,
    Elsewhere,
    GeneratedNames,
    Scope,
    absolute_module,
    find_dynamic_names,
    is_module_itself,
    is_namespace,
)
from hubkit.analysis.syntax import branches_of, child_nodes, is_on, statements, walk
from hubkit.analysis.values import (
    UNKNOWN,
    NotLiteralError,
    find_string,
    find_value,
    find_values,
    read_elements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hubkit.analysis.resolve import Resolver, Target

# An expression, or several that are taken together, as ``zip`` does.
_Item: TypeAlias = "Elsewhere | tuple[_Item, ...]"
_T = TypeVar("_T")
_Pair: TypeAlias = tuple[Elsewhere, Elsewhere]

_COPIES = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "dict"})
_CHANGES = (
    r"\b{}(?:\s*(?:\[[^=\n]*\]\s*=(?!=)|\|=|\+=)"
    r"|\.(?:append|extend|insert|remove|pop|popitem|clear|update|setdefault|add)\b)"
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LAST = ast.Constant(value=None)


class _OpaqueError(Exception):
    """The source does not show what happens."""


class _Write(Struct, frozen=True):
    """Code that adds names to something.

    Attributes:
        node: The code.
        receiver: What names are added to.
        key: The name; None if ``value`` is a mapping of many.
        value: What it is bound to.
    """

    node: ast.AST
    receiver: ast.expr
    key: ast.expr | None
    value: ast.expr


class _Sink(Struct, frozen=True):
    """What is filled: the namespace of a module, or a dict that a module assigns to a variable."""

    scope: Scope
    table: ast.expr | None = None
    name: str = ""


def read_generated_names(resolver: Resolver, scope: Scope) -> GeneratedNames:
    """The names that importing a module makes, beside those that its source spells."""
    places = find_dynamic_names(scope)
    if not places:
        return GeneratedNames()
    run = _Run(resolver, _Sink(scope))
    run.module(scope, frozenset(places), _callers(scope, places))
    names = {name: Binding(name, node, value) for name, node, value in run.found}
    return GeneratedNames(
        names, tuple(node for node in places if node not in run.read or node in run.failed)
    )


def _callers(scope: Scope, places: Iterable[ast.AST]) -> frozenset[str]:
    """Names of the module's functions in which some code is."""
    inner = set(places)
    return frozenset(
        name
        for name, binding in scope.bindings.items()
        if isinstance(binding.value, ast.FunctionDef) and inner.intersection(walk(binding.value))
    )


def _indirect_callers(scope: Scope, callers: frozenset[str]) -> frozenset[str]:
    """Names of the module's functions that call some functions."""
    lines = scope.file.lines_with_words(f"{name}(" for name in callers)
    if not lines:
        return frozenset()
    functions = {
        name: binding.value
        for name, binding in scope.bindings.items()
        if isinstance(binding.value, ast.FunctionDef)
    }
    return frozenset(
        name
        for name, node in functions.items()
        if any(is_on(statement, lines) for statement in node.body)
    )


def _lines_with(scope: Scope, nodes: Iterable[ast.AST], names: Iterable[str]) -> list[int]:
    """The lines of some code, and those that call functions of some names."""
    lines = {getattr(node, "lineno", 0) for node in nodes}
    return sorted({*lines, *scope.file.lines_with_words(f"{name}(" for name in names)})


class _Run(Struct):
    """Follows the code that fills one sink.

    Attributes:
        resolver: Looks names up.
        sink: What is filled.
        found: The names, the code that adds them, and what they are bound to.
        read: The code that was followed.
        failed: The code that could not be followed.
        unknown: Stands for any function, to find out what a decorator does with it; or None.
    """

    resolver: Resolver
    sink: _Sink
    found: list[tuple[str, ast.AST, Elsewhere]] = field(default_factory=list)
    read: set[ast.AST] = field(default_factory=set)
    failed: set[ast.AST] = field(default_factory=set)
    unknown: ast.expr | None = None
    _registering: dict[ast.AST, bool] = field(default_factory=dict)
    _decorators: dict[tuple[str, str], Target | None] = field(default_factory=dict)
    _mattering: dict[ast.stmt, bool] = field(default_factory=dict)
    _wanted: frozenset[ast.AST] = frozenset()
    _callers: frozenset[str] = frozenset()
    _place: ast.AST | None = None
    _steps: int = 0
    _depth: int = 0

    def module(self, scope: Scope, wanted: frozenset[ast.AST], callers: frozenset[str]) -> None:
        """Run what importing a module runs.

        Args:
            scope: The module.
            wanted: Code that fills the sink.
            callers: Names of functions that contain such code.
        """
        self._wanted, self._callers = wanted, callers | _indirect_callers(scope, callers)
        lines = _lines_with(scope, wanted, self._callers)
        for statement in _statements_on_import(scope.file.tree.body):
            is_near = isinstance(statement, _DEFINITIONS) or is_on(statement, lines)
            if not is_near or not self._matters(statement):
                continue
            self._place = None
            try:
                self.statement(statement, scope)
            except (_OpaqueError, RecursionError):
                self._fail(statement)

    def _fills(self, statement: ast.stmt, scope: Scope) -> bool:
        """Whether a statement may fill the sink, under the names that it has here."""
        return self._matters(statement) or any(
            self.is_sink(scope, write.receiver)
            for inner in statements([statement], nested=False)
            for write in _writes(inner)
        )

    def _matters(self, statement: ast.stmt) -> bool:
        """Whether a statement may fill the sink."""
        if isinstance(statement, _DEFINITIONS):
            return any(map(self._names_caller, statement.decorator_list))
        if statement not in self._mattering:
            self._mattering[statement] = any(
                node in self._wanted or self._is_caller(node) for node in _nodes_that_run(statement)
            )
        return self._mattering[statement]

    def _is_caller(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                return name in self._callers
            case (
                ast.FunctionDef(decorator_list=decorators) | ast.ClassDef(decorator_list=decorators)
            ):
                return any(map(self._names_caller, decorators))
        return False

    def _names_caller(self, node: ast.expr) -> bool:
        called = node.func if isinstance(node, ast.Call) else node
        name = getattr(called, "attr", None) or getattr(called, "id", "")
        return name in self._callers

    def _fail(self, statement: ast.AST) -> None:
        for node in walk(statement):
            if node in self._wanted or self._is_caller(node):
                self.failed.add(node)

    def body(self, body: Iterable[ast.stmt], scope: Scope) -> Scope | Elsewhere | None:
        """Run statements; return the names after them, or what they return."""
        for statement in body:
            if isinstance(statement, ast.Return):
                return Elsewhere(scope, statement.value or _LAST)
            if isinstance(statement, ast.Continue):
                return None
            after = self.statement(statement, scope)
            if not isinstance(after, Scope):
                return after
            scope = after
        return scope

    def statement(self, statement: ast.stmt, scope: Scope) -> Scope | Elsewhere | None:
        self._enter()
        match statement:
            case ast.For(target=target, iter=iterated, body=body) if self._fills(statement, scope):
                for item in self.elements(Elsewhere(scope, iterated)):
                    after = self.body(body, self.bind(scope, target, item))
                    if isinstance(after, Elsewhere):
                        return after
                return self._hide(scope, statement)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._branch(statement, test, body, orelse, scope)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                inner = self._over(scope, {name: statement}) if scope.outer else scope
                for decorator in reversed(statement.decorator_list):
                    if self._names_caller(decorator):
                        self._decorate(decorator, inner, statement)
                return inner
            case ast.Expr(value=ast.Call() as call):
                return self._call(call, scope)
            case ast.Break():
                raise _OpaqueError
        return self._simple(statement, scope)

    def _simple(self, statement: ast.stmt, scope: Scope) -> Scope:
        for write in _writes(statement):
            self._write(write, scope)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if scope.outer:
                return self._over(scope, {name: Elsewhere(scope, value)})
            case ast.Assign(targets=[ast.Tuple() as target], value=value) if scope.outer:
                with contextlib.suppress(_OpaqueError):
                    return self.bind(scope, target, Elsewhere(scope, value))
        if branches_of(statement) is not None and self._fills(statement, scope):
            raise _OpaqueError
        return self._hide(scope, statement)

    def _branch(
        self,
        statement: ast.stmt,
        test: ast.expr,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        scope: Scope,
    ) -> Scope | Elsewhere | None:
        holds = find_value(self.resolver, scope, test, {})
        if holds is not UNKNOWN:
            return self.body(body if holds else orelse, scope)
        ends = any(
            isinstance(node, ast.Return | ast.Continue | ast.Break)
            for node in statements([statement], nested=False)
        )
        if ends or self._fills(statement, scope):
            raise _OpaqueError
        return self._hide(scope, statement)

    def _call(self, call: ast.Call, scope: Scope) -> Scope:
        hits = [self._write(write, scope) for write in _writes(ast.Expr(value=call))]
        if any(hits):
            return scope
        if isinstance(call.func, ast.Name) and call.func.id == "exec" and call in self._wanted:
            self._execute(call, scope)
        elif self._is_caller(call) or call in self._wanted:
            self._place = self._place or (call if scope.file is self.sink.scope.file else None)
            self._run_call(call, scope)
        return scope

    def _execute(self, call: ast.Call, scope: Scope) -> None:
        """Read the definitions in a text that is run as code."""
        code, *spaces = call.args
        if not all(map(is_namespace, spaces)):
            raise _OpaqueError
        try:
            body = ast.parse(self.text(Elsewhere(scope, code))).body
        except (SyntaxError, ValueError, MemoryError):
            raise _OpaqueError from None
        for statement in body:
            for node in ast.walk(statement):
                ast.copy_location(node, call)
                node.end_col_offset = None  # type: ignore[attr-defined]  # the text is not in the file
            match statement:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    value: ast.expr = ast.Name(name, ast.Load())
                    inner = self._over(scope, {name: statement})
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    inner = scope
                case _:
                    raise _OpaqueError
            self.found.append((name, call, Elsewhere(inner, value)))
        self.read.add(call)

    def _run_call(self, call: ast.Call, scope: Scope) -> Elsewhere | None:
        function = self.resolver.expression(scope, call.func)
        given = [Elsewhere(scope, one) for one in call.args if not isinstance(one, ast.Starred)]
        named = {one.arg: Elsewhere(scope, one.value) for one in call.keywords if one.arg}
        if not isinstance(function, Defined) or len(given) + len(named) < len(
            [*call.args, *call.keywords]
        ):
            raise _OpaqueError
        result = self._run_function(function, given, named)
        self.read.add(call)
        return result

    def _decorate(
        self,
        decorator: ast.expr,
        scope: Scope,
        decorated: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    ) -> None:
        value = Elsewhere(scope, ast.copy_location(ast.Name(decorated.name, ast.Load()), decorated))
        if isinstance(decorator, ast.Call):
            made = self._run_call(decorator, scope)
            function = made and self.resolver.expression(made.scope, made.expression)
        else:
            function = self._decorator(scope, decorator)
        if not isinstance(function, Defined):
            raise _OpaqueError
        if not isinstance(decorator, ast.Call) and self._just_registers(function):
            self.found.append((decorated.name, decorated, value))
        else:
            self._run_function(function, [value], {})

    def _decorator(self, scope: Scope, decorator: ast.expr) -> Target | None:
        """What a decorator stands for; a module has the same one a hundred times."""
        if scope.outer is not None or not isinstance(decorator, ast.Name):
            return self.resolver.expression(scope, decorator)
        key = (scope.file.path, decorator.id)
        if key not in self._decorators:
            self._decorators[key] = self.resolver.expression(scope, decorator)
        return self._decorators[key]

    def _just_registers(self, decorator: Defined) -> bool:
        """Whether a decorator adds each function to the sink under its own name, and does no more."""
        if decorator.node not in self._registering:
            unknown = ast.Name("\0", ast.Load())
            trial = _Run(self.resolver, self.sink, unknown=unknown)
            trial._wanted, trial._callers = self._wanted, self._callers
            with contextlib.suppress(_OpaqueError):
                trial._run_function(decorator, [Elsewhere(self.sink.scope, unknown)], {})
            self._registering[decorator.node] = len(trial.found) == 1
            self.read |= trial.read
        return self._registering[decorator.node]

    def _run_function(
        self, function: Defined, given: list[Elsewhere], named: dict[str, Elsewhere]
    ) -> Elsewhere | None:
        node = function.node
        if not isinstance(node, ast.FunctionDef) or self._depth > limits.STRING_LEVELS.most:
            raise _OpaqueError
        listed = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        padding: list[ast.expr | None] = [None] * len(node.args.posonlyargs + node.args.args)
        padding = [*padding[len(node.args.defaults) :], *node.args.defaults]
        bound: dict[str, Elsewhere | None] = {
            argument.arg: Elsewhere(function.scope, default) if default else None
            for argument, default in zip(listed, [*padding, *node.args.kw_defaults], strict=True)
        }
        bound.update(zip(bound, given, strict=False))
        bound.update(named)
        self._depth += 1
        after = self.body(node.body, self._over(function.scope, bound))
        self._depth -= 1
        return after if isinstance(after, Elsewhere) else None

    def _write(self, write: _Write, scope: Scope) -> bool:
        """Add what a write adds, if it is one to the sink."""
        if not self.is_sink(scope, write.receiver):
            return False
        if self.unknown is not None:
            self._note_registration(write, scope)
            return True
        if write.key is None:
            pairs = self.pairs(Elsewhere(scope, write.value))
        else:
            pairs = [(Elsewhere(scope, write.key), Elsewhere(scope, write.value))]
        for key, value in pairs:
            self.found.append((self.text(key), self._place or write.node, self._picked(value)))
            self._enter()
        self.read.add(write.node)
        return True

    def _note_registration(self, write: _Write, scope: Scope) -> None:
        """Note that the unknown function is added under its own name."""
        key = write.key and self.follow(Elsewhere(scope, write.key))
        match key:
            case Elsewhere(inner, ast.Attribute(value=owner, attr="__name__")):
                parts = (Elsewhere(inner, owner), Elsewhere(scope, write.value))
                if all(self.follow(part).expression is self.unknown for part in parts):
                    self.found.append(("", write.node, parts[1]))
                    self.read.add(write.node)
                    return
        raise _OpaqueError

    def is_sink(self, scope: Scope, receiver: ast.expr) -> bool:
        target = self.resolver.expression(scope, receiver)
        if isinstance(target, Valued) and target.value is not None:
            scope, receiver = target.scope, target.value
        if self.sink.table is not None:
            return receiver is self.sink.table
        is_own = scope.file is self.sink.scope.file
        return is_own and (is_namespace(receiver) or is_module_itself(receiver))

    def _picked(self, item: Elsewhere) -> Elsewhere:
        """The value in a table, if an expression looks one up."""
        match self.follow(item):
            case Elsewhere(scope, ast.Subscript(value=table, slice=key)):
                wanted = find_string(self.resolver, scope, key)
                try:
                    pairs = self.pairs(Elsewhere(scope, table))
                except _OpaqueError:
                    return item
                found = [value for name, value in pairs if self.text(name) == wanted]
                return found[-1] if found else item
        return item

    def text(self, item: Elsewhere) -> str:
        found = find_string(self.resolver, item.scope, item.expression)
        if found is None:
            raise _OpaqueError
        return found

    def bind(self, scope: Scope, target: ast.expr, item: _Item) -> Scope:
        """The names over a scope after an assignment."""
        return self._over(scope, dict(self._bound(target, item)))

    def _bound(self, target: ast.expr, item: _Item) -> Iterator[tuple[str, Elsewhere | None]]:
        match target:
            case ast.Name(id=name):
                yield name, item if isinstance(item, Elsewhere) else None
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts = item if isinstance(item, tuple) else tuple(self.elements(item))
                if len(parts) != len(targets):
                    raise _OpaqueError
                for one, part in zip(targets, parts, strict=True):
                    yield from self._bound(one, part)

    def _over(
        self, scope: Scope, names: Mapping[str, Elsewhere | ast.FunctionDef | ast.ClassDef | None]
    ) -> Scope:
        """Names over those of a scope, for what runs next."""
        bound = {name: Binding(name, scope.file.tree, value) for name, value in names.items()}
        inner = Scope(scope.file, bound, scope.stars, outer=scope)
        self.resolver.keep(inner)
        return inner

    def _hide(self, scope: Scope, statement: ast.stmt) -> Scope:
        """The names after a statement that binds some to what the source does not show."""
        if scope.outer is None:
            return scope
        stored = self.resolver.syntax.stores_of(statement)
        return self._over(scope, dict.fromkeys(stored)) if stored else scope

    def _enter(self) -> None:
        self._steps += 1
        if self._steps > limits.LITERAL_STEPS.most:
            raise _OpaqueError

    def follow(self, item: Elsewhere) -> Elsewhere:
        """The expression that names lead to."""
        for _ in range(limits.STRING_LEVELS.most):
            found = self.resolver.assigned(item.scope, item.expression)
            if len(found) != 1:
                return item
            item = Elsewhere(*found[0])
        raise _OpaqueError

    def elements(self, item: Elsewhere) -> list[_Item]:
        """What looping over an expression gives."""
        self._enter()
        changed = self._changed_elements(item)
        if changed is not None:
            return changed
        item = self.follow(item)
        scope = item.scope
        match item.expression:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return [one for part in parts for one in self._element(scope, part)]
            case ast.Constant(value=str(text)):
                return [Elsewhere(scope, ast.Constant(letter)) for letter in self._limited(text)]
            case (
                ast.ListComp(elt=part, generators=loops)
                | ast.SetComp(elt=part, generators=loops)
                | ast.GeneratorExp(elt=part, generators=loops)
            ):
                return [Elsewhere(inner, part) for inner in self._rounds(scope, loops)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = (self.elements(Elsewhere(scope, side)) for side in (left, right))
                return [one for side in both for one in side]
            case ast.BinOp(left=repeated, op=ast.Mult(), right=times):
                (count,) = self._numbers([Elsewhere(scope, times)])
                return self._limited(self.elements(Elsewhere(scope, repeated)), count)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name != "dict":
                return self._called(scope, name, arguments)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)):
                return self._from_method(scope, owner, method, item.expression)
        return [key for key, _ in self.pairs(item)]

    def _element(self, scope: Scope, part: ast.expr) -> list[_Item]:
        if isinstance(part, ast.Starred):
            return self.elements(Elsewhere(scope, part.value))
        return [Elsewhere(scope, part)]

    def _changed_elements(self, item: Elsewhere) -> list[_Item] | None:
        """The texts in a list that later statements of its module change; None for any other."""
        table = self._table(item)
        if table is None or isinstance(table.table, ast.Dict | ast.DictComp | ast.Call):
            return None
        if not _is_changed(table.scope, table.name):
            return None
        try:
            return [Elsewhere(table.scope, one) for one in read_elements(table.scope, table.name)]
        except NotLiteralError:
            raise _OpaqueError from None

    def _rounds(self, scope: Scope, loops: list[ast.comprehension]) -> list[Scope]:
        scopes = [scope]
        for loop in loops:
            scopes = [
                inner
                for outer in scopes
                for item in self.elements(Elsewhere(outer, loop.iter))
                for inner in [self.bind(outer, loop.target, item)]
                if all(self._holds(inner, test) for test in loop.ifs)
            ]
        return scopes

    def _holds(self, scope: Scope, test: ast.expr) -> bool:
        holds = find_value(self.resolver, scope, test, {})
        if holds is UNKNOWN:
            raise _OpaqueError
        return bool(holds)

    def _called(self, scope: Scope, name: str, arguments: list[ast.expr]) -> list[_Item]:
        given = [Elsewhere(scope, argument) for argument in arguments]
        match name, given:
            case "range", [_, *_]:
                return self._range(given)
            case "zip", [_, *_]:
                return list(zip(*map(self.elements, given), strict=False))
            case "enumerate", [iterated]:
                items = enumerate(self.elements(iterated))
                return [(Elsewhere(scope, ast.Constant(at)), one) for at, one in items]
            case "filter", [test, iterated]:
                return [one for one in self.elements(iterated) if self._passes(test, one)]
            case (("dir" | "vars" | "globals"), _):
                call = ast.Call(ast.Name(name, ast.Load()), arguments, [])
                return [key for key, _ in self.pairs(Elsewhere(scope, call))]
            case _, [iterated] if name in _COPIES:
                return self.elements(iterated)
        raise _OpaqueError

    def _range(self, given: list[Elsewhere]) -> list[_Item]:
        try:
            counted = range(*self._numbers(given))
        except (TypeError, ValueError):
            raise _OpaqueError from None
        numbers = self._limited(counted)
        return [Elsewhere(given[0].scope, ast.Constant(number)) for number in numbers]

    def _numbers(self, given: list[Elsewhere]) -> list[int]:
        found = [find_values(self.resolver, one.scope, one.expression) for one in given]
        numbers = [one[0] for one in found if len(one) == 1 and isinstance(one[0], int)]
        if len(numbers) < len(given):
            raise _OpaqueError
        return numbers

    def _limited(self, items: Sequence[_T], times: int = 1) -> list[_T]:
        """The items, if they are not too many."""
        self._steps += len(items) * max(times, 0)
        self._enter()
        return [*items] * times

    def _passes(self, test: Elsewhere, item: _Item) -> bool:
        match test.expression:
            case ast.Lambda(args=ast.arguments(args=[argument]), body=body):
                target = ast.Name(argument.arg, ast.Store())
                return self._holds(self.bind(test.scope, target, item), body)
        raise _OpaqueError

    def _from_method(
        self, scope: Scope, owner: ast.expr, method: str, call: ast.Call
    ) -> list[_Item]:
        match method, call.args:
            case "split", [] if isinstance(owner, ast.Constant) and isinstance(owner.value, str):
                return [Elsewhere(scope, ast.Constant(word)) for word in owner.value.split()]
            case "keys", []:
                return [key for key, _ in self.pairs(Elsewhere(scope, owner))]
            case "values", []:
                return [value for _, value in self.pairs(Elsewhere(scope, owner))]
            case "items", []:
                return list(self.pairs(Elsewhere(scope, owner)))
            case (("product" | "chain"), iterables) if (
                self.resolver.external(scope, call.func) == f"itertools.{method}"
            ):
                rounds = [self.elements(Elsewhere(scope, one)) for one in iterables]
                if method == "chain":
                    return [item for items in rounds for item in items]
                return list(self._product(rounds))
        raise _OpaqueError

    def _product(self, rounds: list[list[_Item]]) -> Iterator[tuple[_Item, ...]]:
        from itertools import product

        for items in product(*rounds):
            self._enter()
            yield items

    def pairs(self, item: Elsewhere) -> list[_Pair]:
        """The keys and values of a mapping."""
        self._enter()
        table = self._table(item)
        item = self.follow(item)
        scope = item.scope
        match item.expression:
            case ast.Dict(keys=keys, values=values):
                found = [
                    one
                    for key, value in zip(keys, values, strict=True)
                    for one in self._entry(scope, key, value)
                ]
                return found + (self._registered(table) if table else [])
            case ast.DictComp(key=key, value=value, generators=loops):
                rounds = self._rounds(scope, loops)
                return [(Elsewhere(inner, key), Elsewhere(inner, value)) for inner in rounds]
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return [
                    *self.pairs(Elsewhere(scope, left)),
                    *self.pairs(Elsewhere(scope, right)),
                ]
            case ast.Call(func=ast.Name(id="dict"), args=arguments, keywords=keywords):
                found = self._dict(scope, arguments, keywords)
                return found + (self._registered(table) if table else [])
        module = self._module(item)
        if module is None:
            raise _OpaqueError
        return self._names(module)

    def _entry(self, scope: Scope, key: ast.expr | None, value: ast.expr) -> list[_Pair]:
        if key is None:
            return self.pairs(Elsewhere(scope, value))
        return [(Elsewhere(scope, key), Elsewhere(scope, value))]

    def _dict(
        self, scope: Scope, arguments: list[ast.expr], keywords: list[ast.keyword]
    ) -> list[_Pair]:
        found: list[_Pair] = []
        for argument in arguments:
            for item in self.elements(Elsewhere(scope, argument)):
                match item if isinstance(item, tuple) else tuple(self.elements(item)):
                    case Elsewhere() as key, Elsewhere() as value:
                        found.append((key, value))
                    case _:
                        raise _OpaqueError
        for keyword in keywords:
            name = ast.Constant(keyword.arg) if keyword.arg else None
            found += self._entry(scope, name, keyword.value)
        return found

    def _module(self, item: Elsewhere) -> str | None:
        """The module of the repo whose names an expression gives, or None."""
        match item.expression:
            case ast.Call(func=ast.Name(id="vars" | "dir"), args=[of]):
                target = self.resolver.expression(item.scope, of)
            case ast.Attribute(value=of, attr="__dict__" | "__all__"):
                target = self.resolver.expression(item.scope, of)
            case _:
                return None
        return target.name if isinstance(target, Module) else None

    def _names(self, module: str) -> list[_Pair]:
        scope = self.resolver.tree.scope(module)
        if scope is None or scope is self.sink.scope:
            raise _OpaqueError
        generated = self.resolver.generated(scope)
        if scope.stars or generated.opaque:
            raise _OpaqueError
        return [
            (Elsewhere(scope, ast.Constant(name)), Elsewhere(scope, ast.Name(name, ast.Load())))
            for name in {**scope.bindings, **generated.names}
        ]

    def _table(self, item: Elsewhere) -> _Sink | None:
        """The variable of a module that holds a container, or None."""
        target = self.resolver.expression(item.scope, item.expression)
        if not isinstance(target, Valued) or target.scope.outer:
            return None
        for name, binding in target.scope.bindings.items():
            if binding.node is target.node:
                return _Sink(target.scope, target.value, name)
        return None

    def _registered(self, table: _Sink) -> list[_Pair]:
        """What code adds to a dict later: that of its module, and functions of it which others call."""
        if self.sink.table is table.table:
            raise _OpaqueError
        scopes = list(_imported_scopes(self.resolver, self.sink.scope))
        changing = [scope for scope in scopes if _is_changed(scope, table.name)]
        run = _Run(self.resolver, table)
        wanted = {
            write.node: scope
            for scope in changing
            for node in walk(scope.file.tree)
            for write in _writes(node)
            if run.is_sink(scope, write.receiver)
        }
        callers = frozenset(name for scope in changing for name in _callers(scope, wanted))
        for scope in scopes if wanted else ():
            if any(name in scope.file.text for name in (table.name, *callers)):
                run.module(scope, frozenset(wanted), callers)
        if run.failed or wanted.keys() - run.read:
            raise _OpaqueError
        return [(Elsewhere(table.scope, ast.Constant(name)), value) for name, _, value in run.found]


def _is_changed(scope: Scope, name: str) -> bool:
    return name in scope.file.text and bool(
        re.search(_CHANGES.format(re.escape(name)), scope.file.text)
    )


def _statements_on_import(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run on import; loops and conditions as a whole."""
    for statement in body:
        branches = branches_of(statement)
        if (
            branches is None
            or isinstance(statement, ast.For | ast.While)
            or (isinstance(statement, ast.If) and all(one.runs_on_import for one in branches))
        ):
            yield statement
        else:
            for branch in branches:
                if branch.runs_on_import and not branch.is_alternative:
                    yield from _statements_on_import(branch.body)


def _nodes_that_run(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement, without the insides of functions."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += child_nodes(node)


def _writes(node: ast.AST) -> Iterator[_Write]:
    """The ways in which a statement adds names to something."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Subscript):
                    yield _Write(target, target.value, target.slice, value)
        case ast.AugAssign(target=target, op=ast.BitOr(), value=value):
            yield _Write(node, target, None, value)
        case ast.Expr(value=ast.Call(func=ast.Name(id="setattr"), args=[to, key, value]) as call):
            yield _Write(call, to, key, value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=to, attr=method), args=args) as call):
            yield from _method_writes(call, to, method, args)


def _method_writes(
    call: ast.Call, to: ast.expr, method: str, arguments: list[ast.expr]
) -> Iterator[_Write]:
    match method, arguments:
        case "update", _:
            for argument in arguments:
                yield _Write(call, to, None, argument)
            for keyword in call.keywords:
                key = ast.Constant(keyword.arg) if keyword.arg else None
                yield _Write(call, to, key, keyword.value)
        case (("setdefault" | "__setitem__"), [key, value]):
            yield _Write(call, to, key, value)


def _imported_scopes(resolver: Resolver, start: Scope) -> Iterator[Scope]:
    """A module, and the modules of the repo that importing it imports."""
    pending, visited = [start], {start.file.path}
    names: set[str] = set()
    while pending:
        scope = pending.pop()
        yield scope
        for name in sorted(_imported_modules(resolver, scope) - names, reverse=True):
            names.add(name)
            found = resolver.tree.scope(name)
            if found is not None and found.file.path not in visited:
                visited.add(found.file.path)
                pending.append(found)


def _imported_modules(resolver: Resolver, scope: Scope) -> set[str]:
    names: set[str] = set()
    for statement in statements(scope.file.tree.body, nested=False):
        match statement:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(names=aliases):
                module = absolute_module(scope.file, statement)
                names.add(module)
                package = resolver.tree.scope(module)
                bound = package.bindings if package else {}
                names |= {f"{module}.{one.name}" for one in aliases if one.name not in bound}
    parts = [name.split(".") for name in names]
    return {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
