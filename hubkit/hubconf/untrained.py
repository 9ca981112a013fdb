"""What an entrypoint downloads although nobody asked for weights."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubkit.facts import UnaskedDownload
from hubkit.hubconf.conditions import UNKNOWN, Unknown, evaluate
from hubkit.hubconf.functions import read_function_scope
from hubkit.hubconf.parameters import method_of
from hubkit.hubconf.resolve import Defined, External

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Entrypoint
    from hubkit.hubconf.conditions import Value
    from hubkit.hubconf.resolve import Resolver
    from hubkit.hubconf.scope import FunctionNode, Scope

_SWITCHES = ("pretrained", "pretrain", "weights")
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
class _Reader:
    """Goes through a function as far as it is certain to run."""

    resolver: Resolver
    found: list[tuple[ast.Call, Scope, str]] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    steps: int = 0

    def call(self, found: Defined, values: dict[str, Value], run: _Run | None = None) -> None:
        """Go through a function, or a class's constructor."""
        owner = found if isinstance(found.node, ast.ClassDef) else None
        if isinstance(found.node, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            if constructor is None:
                return
            found = Defined(*constructor)
        node = found.node
        depth = run.depth + 1 if run else 0
        if isinstance(node, ast.ClassDef) or id(node) in self.busy or depth > _MAX_DEPTH:
            return
        self.busy.add(id(node))
        scope = read_function_scope(found.scope, node).scope
        inner = _Run(scope, {**self._defaults(node), **values}, owner, depth)
        self._statements(inner, node.body)
        self.busy.discard(id(node))

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
        self.steps += 1
        if self.steps > _MAX_STEPS:
            return False
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                return self._branch(run, test, body, orelse)
            case ast.Return() | ast.Raise():
                self._expressions(run, statement)
                return False
            case ast.With(items=items, body=body):
                for item in items:
                    self._expression(run, item.context_expr)
                return self._statements(run, body)
            case ast.Try(body=body, finalbody=final):
                return self._statements(run, body) and self._statements(run, final)
            case ast.For() | ast.While() | ast.AsyncFor():
                self._forget(run, [statement])
                return not _may_leave([statement])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._expression(run, value)
                run.values[name] = evaluate(run.values, value)
                return True
        self._expressions(run, statement)
        self._forget(run, [statement])
        return True

    def _branch(
        self, run: _Run, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> bool:
        self._expression(run, test)
        holds = evaluate(run.values, test)
        if not isinstance(holds, Unknown):
            return self._statements(run, body if holds else orelse)
        self._forget(run, [*body, *orelse])
        return not _may_leave([*body, *orelse])

    def _forget(self, run: _Run, statements: Iterable[ast.AST]) -> None:
        for statement in statements:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    run.values[node.id] = UNKNOWN

    def _expressions(self, run: _Run, statement: ast.stmt) -> None:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                self._expression(run, child)

    def _expression(self, run: _Run, node: ast.expr) -> None:
        """Follow the calls that evaluating an expression is certain to make."""
        match node:
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                return
            case ast.GeneratorExp():
                return
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = evaluate(run.values, test)
                if not isinstance(holds, Unknown):
                    self._expression(run, body if holds else orelse)
                return
            case ast.BoolOp(values=[first, *_]):
                self._expression(run, first)
                return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(run, child)
            elif isinstance(child, ast.keyword):
                self._expression(run, child.value)
        if isinstance(node, ast.Call):
            self._call(run, node)

    def _call(self, run: _Run, node: ast.Call) -> None:
        match self._target(run, node.func):
            case External(name):
                if name in _DOWNLOADS or (
                    name.startswith(_FACTORIES) and self._asks_for_weights(run, node)
                ):
                    self.found.append((node, run.scope, name))
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


def find_unasked_downloads(
    hubconf: Scope, resolver: Resolver, entrypoints: Iterable[Entrypoint]
) -> Iterator[UnaskedDownload]:
    """Downloads that calling an entrypoint without weights is certain to make.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        entrypoints: What to call: with ``pretrained=False``, or None where that is a text; those
            without such a parameter as they are.
    """
    for entry in entrypoints:
        target = resolver.name(hubconf, entry.name)
        if not isinstance(target, Defined):
            continue
        switch = next((one for one in entry.parameters or () if one.name in _SWITCHES), None)
        values: dict[str, Value] = {}
        if switch is not None:
            is_flag = switch.default in (None, "True", "False") and switch.name != "weights"
            values[switch.name] = False if is_flag else None
        reader = _Reader(resolver)
        reader.call(target, values)
        for node, scope, name in reader.found[:1]:
            place = scope.file.location(node)
            yield UnaskedDownload(entry.name, switch.name if switch else "", name, place)


def _may_leave(statements: Iterable[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Return | ast.Raise)
        for statement in statements
        for node in ast.walk(statement)
    )
