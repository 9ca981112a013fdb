"""The part of a function that is certain to run when it is called with known arguments."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import TYPE_CHECKING

from hubkit.analysis.conditions import UNKNOWN, Unknown, evaluate
from hubkit.analysis.devices import moves_to_gpu
from hubkit.analysis.literals import literal_members
from hubkit.analysis.resolve import Defined, External, Valued
from hubkit.analysis.signatures import method_of
from hubkit.analysis.syntax import statements
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.conditions import Value
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode, Scope

_DOWNLOADS = frozenset(
    {
        "torch.hub.load_state_dict_from_url",
        "torch.hub.download_url_to_file",
        "torch.utils.model_zoo.load_url",
        "torchvision.models.utils.load_state_dict_from_url",
        "torchvision._internally_replaced_utils.load_state_dict_from_url",
        "huggingface_hub.hf_hub_download",
        "huggingface_hub.snapshot_download",
        "urllib.request.urlretrieve",
        "urllib.urlretrieve",  # Python 2, tried first in try-imports
        "gdown.download",
        "wget.download",
    }
)
_FACTORIES = ("torchvision.models.", "timm.")
_MAX_DEPTH = 6
_MAX_STEPS = 20_000


@dataclass(slots=True)
class _Run:
    """A function while it is gone through.

    Attributes:
        scope: Its names.
        values: What its local variables hold, as far as that is known.
        owner: The class of ``self``, or None.
        depth: How many calls lead here.
    """

    scope: Scope
    values: dict[str, Value]
    owner: Defined | None = None
    depth: int = 0


@dataclass(slots=True)
class CertainPath:
    """Goes through a function as far as it is certain to run, unless it raises before.

    Attributes:
        resolver: Looks names up.
        assumed: What holds in every function, such as ``{EXISTS: False}``.
        downloads: Calls that download, with the names around them and what is called.
        failures: Statements that raise and are not caught, with the names around them.
        moves: Calls that put something on a GPU, with the names around them.
        built: Classes of the repo that are constructed.
    """

    resolver: Resolver
    assumed: dict[str, Value] = field(default_factory=dict)
    downloads: list[tuple[ast.Call, Scope, str]] = field(default_factory=list)
    failures: list[tuple[ast.stmt, Scope]] = field(default_factory=list)
    moves: list[tuple[ast.Call, Scope]] = field(default_factory=list)
    built: dict[ast.ClassDef, Defined] = field(default_factory=dict)
    _busy: set[int] = field(default_factory=set)
    _steps: int = 0
    _caught: int = 0

    def call(self, found: Defined, values: dict[str, Value], run: _Run | None = None) -> None:
        """Go through a function, or a class's constructor."""
        owner = found if isinstance(found.node, ast.ClassDef) else None
        if isinstance(found.node, ast.ClassDef):
            self.built.setdefault(found.node, found)
            constructor = method_of(self.resolver, found, "__init__")
            if constructor is None:
                return
            found = Defined(*constructor)
        node = found.node
        depth = run.depth + 1 if run else 0
        if isinstance(node, ast.ClassDef) or id(node) in self._busy or depth > _MAX_DEPTH:
            return
        self._busy.add(id(node))
        scope = self.resolver.inside(found.scope, node).scope
        inner = _Run(scope, {**self.assumed, **self._defaults(node), **values}, owner, depth)
        self._statements(inner, node.body)
        self._busy.discard(id(node))

    def _defaults(self, node: FunctionNode) -> dict[str, Value]:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [
            *zip(reversed(positional), reversed(arguments.defaults), strict=False),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        return {
            argument.arg: default.value
            for argument, default in pairs
            if isinstance(default, ast.Constant)
            and isinstance(default.value, bool | int | str | None)
        }

    def _statements(self, run: _Run, body: Iterable[ast.stmt]) -> bool:
        """Go through statements; False when what follows them is not certain to run."""
        return all(self._statement(run, statement) for statement in body)

    def _statement(self, run: _Run, statement: ast.stmt) -> bool:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return False
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                return self._branch(run, test, body, orelse)
            case ast.Return() | ast.Raise() | ast.Assert():
                self._evaluate(run, statement)
                return self._goes_on(run, statement)
            case ast.With(items=items, body=body):
                for item in items:
                    self._evaluate(run, item.context_expr)
                return self._statements(run, body)
            case ast.Try(body=body, finalbody=final, handlers=handlers):
                self._caught += bool(handlers)
                goes_on = self._statements(run, body)
                self._caught -= bool(handlers)
                return goes_on and self._statements(run, final)
            case ast.For() | ast.While() | ast.AsyncFor():
                self._forget(run, [statement])
                return not self._may_leave([statement])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._evaluate(run, value)
                run.values[name] = evaluate(run.values, value)
                return True
        self._evaluate(run, statement)
        self._forget(run, [statement])
        return True

    def _branch(
        self, run: _Run, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> bool:
        self._evaluate(run, test)
        holds = self._holds(run, test)
        if not isinstance(holds, Unknown):
            return self._statements(run, body if holds else orelse)
        self._forget(run, [*body, *orelse])
        return not self._may_leave([*body, *orelse])

    def _goes_on(self, run: _Run, statement: ast.stmt) -> bool:
        """Whether something follows a statement that may end the function."""
        if isinstance(statement, ast.Assert) and self._holds(run, statement.test) is not False:
            return True
        if not isinstance(statement, ast.Return) and not self._caught:
            self.failures.append((statement, run.scope))
        return False

    def _holds(self, run: _Run, test: ast.expr) -> Value:
        """What a condition comes to; ``name in TABLE`` is looked up in a literal table."""
        match test:
            case ast.Compare(left=left, ops=[operator], comparators=[ast.Name() as table]) if (
                isinstance(operator, ast.In | ast.NotIn)
            ):
                wanted = evaluate(run.values, left)
                target = self.resolver.expression(run.scope, table)
                if isinstance(target, Valued) and isinstance(wanted, str):
                    members = literal_members(target.value)
                    is_there = isinstance(operator, ast.In)
                    return UNKNOWN if members is None else (wanted in members) is is_there
        return evaluate(run.values, test)

    def _may_leave(self, body: Iterable[ast.stmt]) -> bool:
        """Whether something in statements ends the function and its caller goes on.

        Who meets an exception that nothing catches has no model either way.
        """
        leaving = (ast.Return, ast.Raise) if self._caught else (ast.Return,)
        return any(isinstance(one, leaving) for one in statements(body))

    def _forget(self, run: _Run, statements: Iterable[ast.AST]) -> None:
        for statement in statements:
            run.values.update(dict.fromkeys(self.resolver.steps.stored(statement), UNKNOWN))

    def _evaluate(self, run: _Run, node: ast.expr | ast.stmt) -> None:
        """Follow the calls that evaluating what stands in a node is certain to make."""
        for step in self.resolver.steps.made(node):
            if isinstance(step, ast.Call):
                self._call(run, step)
                continue
            holds = evaluate(run.values, step.test)
            if not isinstance(holds, Unknown):
                self._evaluate(run, step.body if holds else step.orelse)

    def _call(self, run: _Run, node: ast.Call) -> None:
        target = self._target(run, node.func)
        if not self._caught and target is None and moves_to_gpu(node, run.values):
            self.moves.append((node, run.scope))
        match target:
            case External(name):
                if name in _DOWNLOADS or (
                    name.startswith(_FACTORIES) and self._asks_for_weights(run, node)
                ):
                    self.downloads.append((node, run.scope, name))
            case Defined() as found:
                self.call(found, self._bind(run, node, found), run)

    def _asks_for_weights(self, run: _Run, node: ast.Call) -> bool:
        return any(
            keyword.arg == "pretrained" and evaluate(run.values, keyword.value) is True
            for keyword in node.keywords
        )

    def _target(self, run: _Run, function: ast.expr) -> object:
        if isinstance(function, ast.Attribute):
            owner: object = self.resolver.expression(run.scope, function.value)
            if isinstance(function.value, ast.Name) and function.value.id == "self":
                owner = run.owner
            if isinstance(owner, Defined):
                method = method_of(self.resolver, owner, function.attr)
                return Defined(*method) if method else None
        return self.resolver.expression(run.scope, function)

    def _bind(self, run: _Run, node: ast.Call, found: Defined) -> dict[str, Value]:
        """What a call gives the parameters; those that may come through ``**`` are not known."""
        definition: object = found.node
        if isinstance(definition, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            definition = constructor[1] if constructor else None
        if not isinstance(definition, ast.FunctionDef):
            return {}
        names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
        if names[:1] in (["self"], ["cls"]):
            names = names[1:]
        keywords = [argument.arg for argument in definition.args.kwonlyargs]
        given: dict[str, Value] = {}
        if any(keyword.arg is None for keyword in node.keywords):
            given = dict.fromkeys((*names, *keywords), UNKNOWN)
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return dict.fromkeys((*names, *keywords), UNKNOWN)
        for name, argument in zip(names, node.args, strict=False):
            given[name] = evaluate(run.values, argument)
        for keyword in node.keywords:
            if keyword.arg:
                given[keyword.arg] = evaluate(run.values, keyword.value)
        return given
