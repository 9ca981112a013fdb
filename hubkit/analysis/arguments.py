"""Calls of the repo's own functions whose arguments the signatures reject."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit._util.text import is_letter_off, plural
from hubkit.analysis.calls import find_method
from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.scope import own_nodes
from hubkit.analysis.signatures import find_parameters, method_of, read_parameters
from hubkit.analysis.syntax import statements, suppresses, walk
from hubkit.facts import MisspelledName, RejectedCall
from hubkit.torchhub import SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.modules import SourceFile
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.analysis.signatures import Parameters
    from hubkit.facts import Parameter

# Decorators that leave the signature as it is.
_BINDERS = frozenset({"staticmethod", "classmethod"})
_HARMLESS = frozenset(
    {
        *("torch.no_grad", "torch.inference_mode", "torch.enable_grad"),
        *("torch.jit.ignore", "torch.jit.export", "torch.jit.unused"),
        *("functools.lru_cache", "functools.cache"),
    }
)
_TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))  # ast has the latter since Python 3.11
_CATCHES = frozenset({"TypeError", "Exception", "BaseException"})


class ArgumentChecker(Struct):
    """Checks the arguments of calls against the signatures of what they reach."""

    resolver: Resolver
    _bound: dict[str, Counter[str]] = field(default_factory=dict)
    _known: dict[tuple[ast.AST, bool, bool], Parameters | None] = field(default_factory=dict)

    def check(
        self,
        scope: Scope,
        call: ast.Call,
        function: ast.expr,
        owner: Defined | None = None,
    ) -> str:
        """Why a call raises TypeError, as a clause; "" if it does not, or if the source does not show it.

        Args:
            scope: The names where the call stands.
            call: The call.
            function: What is called.
            owner: The class of ``self``, or None.
        """
        method = find_method(self.resolver, scope, function, owner)
        found = method or self.resolver.expression(scope, function)
        if not isinstance(found, Defined):
            return ""
        parameters = self._parameters(function, found, is_method=method is not None)
        if parameters is None:
            return ""
        what = (
            _refused_keyword(call, parameters)
            or _nested_keyword(call, found.node)
            or _wrong_count(call, parameters)
        )
        # Counting what a file binds means going through all of it, so few calls come to this.
        if not what or not self._is_sole(scope, function):
            return ""
        if method is None and not self._stands_alone(found):
            return ""
        return f"`{ast.unparse(function)}` {what}"

    def _parameters(
        self, function: ast.expr, found: Defined, *, is_method: bool
    ) -> Parameters | None:
        is_own = isinstance(function, ast.Attribute) and (
            isinstance(function.value, ast.Name) and function.value.id == "self"
        )
        key = (found.node, is_method, is_own)
        if key not in self._known:
            self._known[key] = self._read_parameters(found, is_method=is_method, is_own=is_own)
        return self._known[key]

    def _read_parameters(
        self, found: Defined, *, is_method: bool, is_own: bool
    ) -> Parameters | None:
        node = found.node
        if isinstance(node, ast.ClassDef):
            return self._constructor_parameters(found, node)
        decorators = {_decorator(self.resolver, found.scope, one) for one in node.decorator_list}
        if not decorators <= _BINDERS | _HARMLESS:
            return None
        is_bound = is_method and "staticmethod" not in decorators
        if is_bound and "classmethod" not in decorators:
            # ``Net.forward(net, x)`` gives self itself.
            is_bound = is_own
        return read_parameters(found.scope.file, node.args, bound=is_bound, body=node.body)

    def _constructor_parameters(self, found: Defined, node: ast.ClassDef) -> Parameters | None:
        constructor = method_of(self.resolver, found, "__init__")
        is_plain = not (node.decorator_list or node.keywords)
        makes_itself = method_of(self.resolver, found, "__new__") is None
        if constructor is None or constructor[1].decorator_list or not (is_plain and makes_itself):
            return None
        return find_parameters(self.resolver, found)

    def _stands_alone(self, found: Defined) -> bool:
        """Whether a function or class is always defined, and is the only one of its name."""
        body = found.scope.file.tree.body
        return found.node in body and self._bindings(found.scope.file)[found.node.name] == 1

    def _is_sole(self, scope: Scope, function: ast.expr) -> bool:
        """Whether no other branch binds what a call starts from to something else."""
        first = function
        while isinstance(first, ast.Attribute):
            first = first.value
        if not isinstance(first, ast.Name):
            return False
        return first.id in ("self", "cls") or self._bindings(scope.file)[first.id] == 1

    def _bindings(self, file: SourceFile) -> Counter[str]:
        """How often each name is bound in a file, at any level."""
        if file.path not in self._bound:
            self._bound[file.path] = Counter(_bound_names(file.tree))
        return self._bound[file.path]


def caught_calls(nodes: Iterable[ast.AST]) -> set[int]:
    """The ids of nodes inside a ``try`` that catches TypeError."""
    caught: set[int] = set()
    for node in nodes:
        if isinstance(node, _TRIES):
            is_caught = any(map(_swallows, node.handlers))
        elif isinstance(node, ast.With | ast.AsyncWith):
            is_caught = any(map(_suppresses_type_error, node.items))
        else:
            continue
        if is_caught:
            caught.update(id(inner) for part in node.body for inner in walk(part))
    return caught


def _swallows(handler: ast.ExceptHandler) -> bool:
    if handler.body and isinstance(handler.body[-1], ast.Raise):
        return False
    if handler.type is None:
        return True
    return any(isinstance(one, ast.Name) and one.id in _CATCHES for one in walk(handler.type))


def _suppresses_type_error(item: ast.withitem) -> bool:
    return suppresses(item) and any(
        isinstance(one, ast.Name) and one.id in _CATCHES for one in walk(item.context_expr)
    )


def _decorator(resolver: Resolver, scope: Scope, decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Name) and called.id in _BINDERS:
        return called.id
    target = resolver.expression(scope, called)
    return target.name if isinstance(target, External) else ""


def _refused_keyword(call: ast.Call, parameters: Parameters) -> str:
    if any(one.kind == "var-keyword" for one in parameters):
        return ""
    taken = {
        one.name for one in parameters if one.kind not in ("positional-only", "var-positional")
    }
    for keyword in call.keywords:
        if keyword.arg and keyword.arg not in taken:
            return f"has no parameter `{keyword.arg}`"
    return ""


def _nested_keyword(call: ast.Call, node: FunctionNode | ast.ClassDef) -> str:
    """A dict passed by the name of ``**kwargs``, which makes it one entry of them.

    A function that hands its keywords on, or looks for an entry of that name, may mean it so.
    """
    rest = None if isinstance(node, ast.ClassDef) else node.args.kwarg
    if rest is None or isinstance(node, ast.ClassDef):
        return ""
    if all(keyword.arg != rest.arg for keyword in call.keywords):
        return ""
    for part in own_nodes(node):
        match part:
            case ast.keyword(arg=None, value=ast.Name(id=one)) if one == rest.arg:
                return ""
            case ast.Constant(value=one) if one == rest.arg:
                return ""
    return f"has no parameter `{rest.arg}`, only `**{rest.arg}`"


def _wrong_count(call: ast.Call, parameters: Parameters) -> str:
    """Why the number of arguments is wrong; "" if stars make it unknown."""
    if any(isinstance(one, ast.Starred) for one in call.args):
        return ""
    places = [one for one in parameters if one.kind in ("positional-only", "positional")]
    is_open = any(one.kind == "var-positional" for one in parameters)
    if len(call.args) > len(places) and not is_open:
        return f"takes {plural(len(places), 'positional argument')}, not {len(call.args)}"
    if any(keyword.arg is None for keyword in call.keywords):
        return ""
    given = {one.name for one in places[: len(call.args)]}
    given |= {keyword.arg for keyword in call.keywords if keyword.arg}
    lacking = [one.name for one in parameters if _is_lacking(one, given)]
    return f"requires `{lacking[0]}`" if lacking else ""


def _is_lacking(parameter: Parameter, given: set[str]) -> bool:
    return parameter.required and parameter.name not in given


def _bound_names(tree: ast.AST) -> Iterator[str]:
    for node in walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]


# Other words that are one letter off.
_OTHER_WORDS = frozenset({"pretrainer", "retrained"})
_LIKE_SWITCH = re.compile(r"\b[a-z]{9,11}\b")


def find_misspelled_names(scopes: Iterable[Scope]) -> Iterator[MisspelledName]:
    """Parameters and keywords of calls that are one letter off ``pretrained``."""
    for scope in scopes:
        words = set(_LIKE_SWITCH.findall(scope.file.text)) - _OTHER_WORDS
        misspelled = {word for word in words if is_letter_off(word, SWITCH)}
        for node in walk(scope.file.tree) if misspelled else ():
            if isinstance(node, ast.arg | ast.keyword) and node.arg in misspelled:
                yield MisspelledName(node.arg or "", SWITCH, scope.file.location(node))


def find_rejected_calls(hubconf: Scope, resolver: Resolver) -> Iterator[RejectedCall]:
    """Calls in a hubconf, including nested functions, whose arguments a signature of the repo rejects."""
    checker = ArgumentChecker(resolver)
    pending = [(hubconf, one) for one in statements(hubconf.file.tree.body, nested=False)]
    while pending:
        around, function = pending.pop()
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inner = resolver.inside(around, function)
        scope, nodes = inner.scope, inner.nodes
        pending += [(scope, one) for one in nodes if isinstance(one, ast.stmt)]
        caught = caught_calls(nodes)
        for node in nodes:
            if isinstance(node, ast.Call) and id(node) not in caught:
                what = checker.check(scope, node, node.func)
                if what:
                    yield RejectedCall(what, scope.file.location(node))
