"""What calling a function returns, as far as the source shows, and which classes are ``nn.Module``."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit.analysis.builtin_names import external_result, is_external_module_class
from hubkit.analysis.calls import find_callee
from hubkit.analysis.resolve import Defined, External, Module, Resolver, Target, Valued
from hubkit.analysis.scope import FunctionScope, module_scope, own_nodes
from hubkit.analysis.signatures import method_of
from hubkit.analysis.values import describe
from hubkit.facts import Returns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode

_UNKNOWN = Returns("unknown")
_MAX_DEPTH = 8
# Far more than any real repo takes; a bound keeps the time for hostile ones short.
_MAX_STEPS = 50_000  # for each entrypoint
_MAX_TOTAL_STEPS = 2_000_000
# Methods of nn.Module that return the module itself.
_FLUENT = frozenset(
    {
        *("apply", "bfloat16", "cpu", "cuda", "double", "eval", "float", "half"),
        *("requires_grad_", "share_memory", "to", "to_empty", "train", "type"),
    }
)
_OTHER_BUILTINS = frozenset(
    {"bool", "dict", "float", "frozenset", "int", "len", "list", "print", "set", "str", "tuple"}
)
_HARMLESS_DECORATORS = frozenset(
    {"torch.no_grad", "torch.inference_mode", "functools.lru_cache", "functools.cache"}
)


class _Frame(Struct, frozen=True):
    """The place of an expression.

    Attributes:
        names: The names at the place.
        owner: The class of ``cls``, or None.
        busy: Local names, and values by identity, that are being followed, so that circles end.
    """

    names: FunctionScope
    owner: Defined | None = None
    busy: frozenset[str | int] = frozenset()


class _Result(Struct, frozen=True):
    """What a function returns, and the cost of finding out.

    Attributes:
        returns: What it returns.
        height: The number of functions followed in a row, including itself.
        steps: The number of visited expressions.
    """

    returns: Returns
    height: int
    steps: int


class ReturnsReader(Struct):
    """Follows return statements through the repo's functions and classes.

    What is found about one function does not depend on which were read before: a result is reused
    only where following the function again would lead to the same one.
    """

    resolver: Resolver
    _results: dict[tuple[ast.AST, ast.AST | None], _Result] = field(default_factory=dict)
    _running: list[tuple[ast.AST, ast.AST | None]] = field(default_factory=list)
    _steps: int = 0
    _total_steps: int = 0
    _deepest: int = 0
    _is_cut: bool = False

    def read(self, found: Defined, owner: Defined | None = None) -> Returns:
        """What calling a function or class of the repo returns.

        Args:
            found: The function or class.
            owner: The class on which a class method is called.
        """
        if isinstance(found.node, ast.ClassDef):
            return self._instance(found)
        if not self._running:
            self._steps, self._deepest, self._is_cut = 0, 0, False
        key = (found.node, owner.node if owner else None)
        depth = len(self._running) + 1
        known = self._results.get(key)
        if known is not None and self._is_reusable(known, depth):
            self._steps += known.steps
            self._deepest = max(self._deepest, depth + known.height - 1)
            return known.returns
        if key in self._running or depth > _MAX_DEPTH or self._total_steps > _MAX_TOTAL_STEPS:
            self._is_cut = True
            return _UNKNOWN
        return self._follow(key, found, found.node, owner)

    def _is_reusable(self, known: _Result, depth: int) -> bool:
        """Whether following the function once more would stay within the limits."""
        fits = depth + known.height - 1 <= _MAX_DEPTH
        return fits and self._steps + known.steps <= _MAX_STEPS

    def _follow(
        self,
        key: tuple[ast.AST, ast.AST | None],
        found: Defined,
        node: FunctionNode,
        owner: Defined | None,
    ) -> Returns:
        outer_cut, outer_deepest, steps = self._is_cut, self._deepest, self._steps
        self._running.append(key)
        depth = self._deepest = len(self._running)
        self._is_cut = False
        try:
            returns = self._result(found, node, owner)
        finally:
            self._running.pop()
        if not self._is_cut:
            height = self._deepest - depth + 1
            self._results[key] = _Result(returns, height, self._steps - steps)
        self._is_cut |= outer_cut
        self._deepest = max(self._deepest, outer_deepest)
        return returns

    def _instance(self, found: Defined) -> Returns:
        description = _dotted(found)
        match is_module_class(self.resolver, found):
            case True:
                return Returns("module", description, found.scope.file.location(found.node))
            case False:
                return Returns("other", description, found.scope.file.location(found.node))
        return Returns("unknown", description)

    def _result(self, found: Defined, node: FunctionNode, owner: Defined | None) -> Returns:
        file, nodes = found.scope.file, list(own_nodes(node))
        is_async = isinstance(node, ast.AsyncFunctionDef)
        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in nodes):
            kind = "an asynchronous generator" if is_async else "a generator"
            return Returns("other", kind, file.location(node))
        if is_async:
            return Returns("other", "a coroutine", file.location(node))
        frame = _Frame(self.resolver.inside(found.scope, node), owner)
        returned = [part for part in nodes if isinstance(part, ast.Return)]
        if not returned:
            result = _UNKNOWN if _may_raise(node) else Returns("other", "None", file.location(node))
        else:
            result = _join(
                replace(self._value(frame, part.value), location=file.location(part))
                for part in returned
            )
        return self._judge(found, node, result)

    def _judge(self, found: Defined, node: FunctionNode, result: Returns) -> Returns:
        """Combine the result of the body with decorators and the annotation."""
        if result.shape == "other" and not self._keeps_result(found, node):
            return _UNKNOWN
        if result.shape == "unknown" and node.returns is not None:
            return self._annotated(found, node.returns) or result
        return result

    def _keeps_result(self, found: Defined, node: FunctionNode) -> bool:
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Name) and called.id in ("staticmethod", "classmethod"):
                continue
            target = self.resolver.expression(found.scope, called)
            if not isinstance(target, External) or target.name not in _HARMLESS_DECORATORS:
                return False
        return True

    def _annotated(self, found: Defined, annotation: ast.expr) -> Returns | None:
        """A module, if the annotation says so; other annotations are not relied on."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        target = self.resolver.expression(found.scope, annotation)
        is_module = None
        match target:
            case Defined(node=ast.ClassDef()):
                is_module = is_module_class(self.resolver, target)
            case External(name):
                is_module = is_external_module_class(name)
        if not is_module:
            return None
        return Returns("module", ast.unparse(annotation), found.scope.file.location(found.node))

    def _value(self, frame: _Frame, node: ast.expr | None) -> Returns:
        self._steps += 1
        self._total_steps += 1
        if self._steps > _MAX_STEPS:
            self._is_cut = True
            return _UNKNOWN
        match node:
            case None:
                return Returns("other", "None")
            case ast.Name(id=name):
                return self._name(frame, name)
            case ast.Call():
                return self._call(frame, node)
            case ast.Attribute():
                target = self.resolver.expression(frame.names.scope, node)
                return self._target(frame, target)
            case ast.IfExp(body=body, orelse=orelse):
                return _join([self._value(frame, body), self._value(frame, orelse)])
            case ast.BoolOp(values=values):
                return _join([self._value(frame, value) for value in values])
            case ast.NamedExpr(value=value):
                return self._value(frame, value)
            case ast.Tuple(elts=elts) if not any(isinstance(one, ast.Starred) for one in elts):
                items = tuple(self._value(frame, one) for one in elts)
                return Returns("other", describe(node), items=items)
        description = describe(node)
        return _UNKNOWN if description == "computed at run time" else Returns("other", description)

    def _name(self, frame: _Frame, name: str) -> Returns:
        values = frame.names.assigned.get(name)
        if values is not None:
            if name in frame.busy or None in values:
                return _UNKNOWN
            return self._assigned(frame, name, [value for value in values if value is not None])
        target = self.resolver.name(frame.names.scope, name)
        return self._target(frame, target)

    def _target(self, frame: _Frame, target: Target | None) -> Returns:
        match target:
            case Defined(node=ast.ClassDef()):
                return Returns("other", "a class")
            case Defined():
                return Returns("other", "a function")
            case Module():
                return Returns("other", "a Python module")
            case Valued(scope, ast.expr() as value) if id(value) not in frame.busy:
                busy = frame.busy | {id(value)}
                return self._value(_Frame(module_scope(scope), None, busy), value)
        return _UNKNOWN

    def _assigned(self, frame: _Frame, name: str, values: list[ast.expr]) -> Returns:
        """What a local variable holds, whichever of its assignments came last."""
        inner = replace(frame, busy=frame.busy | {name})
        # "model = model.eval()" says nothing new about model.
        fresh = [value for value in values if not _is_fluent_on(value, name)]
        return _join([self._value(inner, value) for value in fresh])

    def _call(self, frame: _Frame, node: ast.Call) -> Returns:
        scope, function = frame.names.scope, node.func
        target, owner = find_callee(self.resolver, scope, function, frame.owner)
        match target:
            case Defined() as found:
                return self.read(found, owner)
            case External(name):
                return external_result(name)
            case None:
                pass
            case _:
                return _UNKNOWN
        if isinstance(function, ast.Name):
            known = function.id in _OTHER_BUILTINS and hasattr(builtins, function.id)
            return Returns("other", f"a {function.id}") if known else _UNKNOWN
        if isinstance(function, ast.Attribute):
            return self._method(frame, function)
        if isinstance(function, ast.Subscript):
            return self._table(frame, function)
        return _UNKNOWN

    def _table(self, frame: _Frame, function: ast.Subscript) -> Returns:
        """``BUILDERS[name](...)``: whatever all entries of a literal dict agree on."""
        scope = frame.names.scope
        table = self.resolver.expression(scope, function.value)
        if not isinstance(table, Valued) or not isinstance(table.value, ast.Dict):
            return _UNKNOWN
        frame = _Frame(module_scope(table.scope), None, frame.busy)
        calls = [ast.Call(value, [], []) for value in table.value.values]
        return _join([self._call(frame, call) for call in calls])

    def _method(self, frame: _Frame, function: ast.Attribute) -> Returns:
        if function.attr in _FLUENT:
            receiver = self._value(frame, function.value)
            if receiver.shape == "module":
                return receiver
        owner = self._class_of(frame, function.value)
        if owner is None:
            return _UNKNOWN
        found = method_of(self.resolver, owner, function.attr)
        return self.read(Defined(*found), owner) if found else _UNKNOWN

    def _class_of(self, frame: _Frame, node: ast.expr) -> Defined | None:
        """The class of which a local variable holds an instance when first assigned."""
        if not isinstance(node, ast.Name):
            return None
        values = frame.names.assigned.get(node.id, [])
        if not values or not isinstance(values[0], ast.Call):
            return None
        target = self.resolver.expression(frame.names.scope, values[0].func)
        is_class = isinstance(target, Defined) and isinstance(target.node, ast.ClassDef)
        return target if is_class and isinstance(target, Defined) else None


def _join(results: Iterable[Returns]) -> Returns:
    """The result of several branches, where all agree; else unknown."""
    found = list(results)
    shapes = {result.shape for result in found}
    if len(shapes) == 1 and found[0].shape != "unknown":
        return replace(found[0], items=_join_items([result.items for result in found]))
    if not found or "unknown" in shapes:
        return _UNKNOWN
    descriptions = dict.fromkeys(result.description for result in found)
    return Returns("unknown", " or ".join(descriptions))


def _join_items(branches: list[tuple[Returns, ...]]) -> tuple[Returns, ...]:
    """The items of the tuples of several branches; none unless all have as many."""
    if len({len(items) for items in branches}) > 1:
        return ()
    return tuple(_join(items) for items in zip(*branches, strict=True))


def _is_fluent_on(value: ast.expr, name: str) -> bool:
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr not in _FLUENT:
            return False
        value = value.func.value
    return isinstance(value, ast.Name) and value.id == name


def _may_raise(node: FunctionNode) -> bool:
    """Whether a function without ``return`` may raise instead of ending."""
    return any(isinstance(part, ast.Raise | ast.While) for part in own_nodes(node))


def _dotted(found: Defined) -> str:
    return f"{found.scope.file.module}.{found.node.name}"


Known: TypeAlias = dict[int, bool | None]

_PLAIN_CLASS_DECORATORS = frozenset({"dataclasses.dataclass", "typing.final"})


def is_module_class(resolver: Resolver, found: Defined) -> bool | None:
    """Whether a class of the repo derives from ``nn.Module``; None if the source does not show it."""
    return _is_module(resolver, found, {})


def _is_module(resolver: Resolver, found: Defined, known: Known) -> bool | None:
    key = id(found.node)
    if key not in known:
        # Meanwhile, so that a class that derives from itself ends the search.
        known[key] = None
        known[key] = _derives(resolver, found, known)
    return known[key]


def _derives(resolver: Resolver, found: Defined, known: Known) -> bool | None:
    node = found.node
    if not isinstance(node, ast.ClassDef):
        return None
    answers = [_is_module_base(resolver, found, base, known) for base in node.bases]
    if True in answers:
        return True
    if None in answers or node.keywords or not _keeps_its_class(resolver, found, node):
        return None
    return False


def _is_module_base(
    resolver: Resolver, found: Defined, base: ast.expr, known: Known
) -> bool | None:
    # Generic[T] is Generic as far as this goes.
    plain = base.value if isinstance(base, ast.Subscript) else base
    target = resolver.expression(found.scope, plain)
    match target:
        case Defined():
            return _is_module(resolver, target, known)
        case External(name):
            return is_external_module_class(name)
        case None if isinstance(plain, ast.Name) and hasattr(builtins, plain.id):
            return False
    return None


def _keeps_its_class(resolver: Resolver, found: Defined, node: ast.ClassDef) -> bool:
    """Whether calling the class returns an instance of it."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__new__":
            return False
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = resolver.expression(found.scope, called)
        if not isinstance(target, External) or target.name not in _PLAIN_CLASS_DECORATORS:
            return False
    return True
