"""Certain effects of calling an entrypoint: it downloads weights, needs a GPU, or fails."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit.analysis.calls import Interpreter
from hubkit.analysis.resolve import Defined, Valued
from hubkit.analysis.scope import own_nodes
from hubkit.analysis.signatures import find_callable, method_of
from hubkit.analysis.values import EXISTS, UNKNOWN, find_value
from hubkit.facts import FailingDefault, GpuNeed, MissingFile, UnrequestedDownload
from hubkit.torchhub import weights_defaults, weights_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.analysis.values import Value
    from hubkit.facts import Entrypoint, Location

# The default is source text: without quotes it is a variable.
_GPU = re.compile(r"""(['"])cuda(:\d+)?\1""")


class InterpretedCalls(Struct, frozen=True):
    """Calls of entrypoints, each interpreted once."""

    resolver: Resolver
    _interpreted: dict[tuple[ast.AST, frozenset[tuple[str, Value]]], Interpreter] = field(
        default_factory=dict
    )
    _moves: dict[ast.AST, tuple[tuple[ast.Call, Scope], ...]] = field(default_factory=dict)

    def interpret(self, target: Defined, values: dict[str, Value]) -> Interpreter:
        """Interpret a call with known arguments."""
        key = (target.node, frozenset(values.items()))
        if key not in self._interpreted:
            self._interpreted[key] = Interpreter(self.resolver)
            self._interpreted[key].call(target, values)
        return self._interpreted[key]

    def moves(self, call: Interpreter) -> Iterator[tuple[ast.Call, Scope]]:
        """Calls that need a GPU; those in ``forward`` of the networks that are built come last."""
        yield from call.moves
        for built in call.built.values():
            forward = method_of(self.resolver, built, "forward")
            if forward is None:
                continue
            method = Defined(*forward)
            if method.node not in self._moves:
                self._moves[method.node] = self._moves_in(method)
            yield from self._moves[method.node]

    def _moves_in(self, method: Defined) -> tuple[tuple[ast.Call, Scope], ...]:
        """Calls in a method that put something on a GPU whatever its arguments are."""
        if "cuda" not in method.scope.file.text:
            return ()  # The name must be spelled in the method.
        names = self.resolver.inside(method.scope, method.node).scope.bindings  # type: ignore[arg-type]
        run = Interpreter(self.resolver, follows_calls=False, enters_loops=True)
        run.call(method, dict.fromkeys(names, UNKNOWN))
        return tuple(run.moves)


def find_unrequested_downloads(
    hubconf: Scope, resolver: Resolver, entrypoints: Iterable[Entrypoint]
) -> Iterator[UnrequestedDownload]:
    """Downloads that calling an entrypoint without weights is certain to make."""
    for entry in entrypoints:
        target, values = _called(hubconf, resolver, entry)
        if target is None:
            continue
        deciding = weights_parameters(weights_defaults(entry.parameters or ()))
        values.update({one.name: one.without for one in deciding})
        # No file is left from an earlier call.
        run = Interpreter(resolver, {EXISTS: False})
        run.call(target, values)
        for node, scope, name in run.downloads[:1]:
            place = scope.file.location(node)
            switch, without = (deciding[0].name, deciding[0].without) if deciding else ("", None)
            yield UnrequestedDownload(entry.name, switch, without, name, place)


def find_missing_files(
    hubconf: Scope, resolver: Resolver, entrypoints: Iterable[Entrypoint]
) -> Iterator[MissingFile]:
    """Files beside the code that entrypoints are certain to open, and that do not exist.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        entrypoints: The entrypoints, called with their defaults and with weights.
    """
    for entry in entrypoints:
        target, bound = _called(hubconf, resolver, entry)
        if target is None:
            continue
        found: dict[str, MissingFile] = {}
        deciding = weights_parameters(weights_defaults(entry.parameters or ()))
        switches = [one.name for one in deciding[:1] if one.without is False]
        for switch in ((), switches) if switches else ((),):
            values = {**bound, **dict.fromkeys(switch, True)}
            # Whether or not files exist that the code asks for, it opens this one.
            missing = [
                _missing_reads(resolver, target, values, assumed)
                for assumed in ({EXISTS: False}, {})
            ]
            for path in missing[0].keys() & missing[1].keys():
                found.setdefault(path, MissingFile(entry.name, path, missing[0][path]))
        yield from found.values()


def _missing_reads(
    resolver: Resolver, target: Defined, values: dict[str, Value], assumed: Mapping[str, Value]
) -> dict[str, Location]:
    run = Interpreter(resolver, dict(assumed))
    run.call(target, values)
    return {
        path: scope.file.location(node)
        for path, node, scope in reversed(run.reads)
        if not resolver.tree.files.is_file(path)
    }


def find_failing_defaults(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[FailingDefault]:
    """Entrypoints that are certain to raise when they are called without arguments.

    Args:
        hubconf: The hubconf's names.
        calls: The calls interpreted so far.
        entrypoints: The entrypoints; those with required arguments are skipped.
    """
    for entry in entrypoints:
        target, values = _called(hubconf, calls.resolver, entry)
        if target is None or any(parameter.required for parameter in entry.parameters or ()):
            continue
        for statement, scope in calls.interpret(target, values).failures[:1]:
            text = ast.unparse(statement).partition("\n")[0]
            yield FailingDefault(entry.name, text, scope.file.location(statement))


def find_gpu_needs(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[GpuNeed]:
    """Entrypoints that are certain to fail on a machine without a GPU by default.

    Args:
        hubconf: The hubconf's names.
        calls: The calls interpreted so far.
        entrypoints: The entrypoints, called with their defaults and with weights.
    """
    for entry in entrypoints:
        target, bound = _called(hubconf, calls.resolver, entry)
        defaults = _gpu_defaults(target, entry)
        if defaults:
            yield from (GpuNeed(entry.name, name, entry.definition) for name in defaults)
        elif target is not None:
            deciding = weights_parameters(weights_defaults(entry.parameters or ()))
            # Whatever asks for weights, it is true.
            with_weights: dict[str, Value] = {one.name: True for one in deciding[:1]}
            for values in (with_weights, {}) if with_weights else ({},):
                move = next(calls.moves(calls.interpret(target, {**bound, **values})), None)
                if move is not None:
                    node, scope = move
                    place = scope.file.location(node)
                    yield GpuNeed(entry.name, "", place, ast.unparse(node.func))
                    break


def _asks_for_gpu(function: FunctionNode) -> bool:
    """Whether a function asks whether there is a GPU."""
    return any(
        isinstance(one, ast.Attribute) and one.attr == "is_available" for one in own_nodes(function)
    )


def _gpu_defaults(target: Defined | None, entry: Entrypoint) -> list[str]:
    """The parameters whose default is a GPU; none if the function asks whether there is one."""
    node = target.node if target else None
    if isinstance(node, ast.FunctionDef) and _asks_for_gpu(node):
        return []
    return [one.name for one in entry.parameters or () if _GPU.fullmatch(one.default or "")]


def _called(
    hubconf: Scope, resolver: Resolver, entry: Entrypoint
) -> tuple[Defined | None, dict[str, Value]]:
    """The function of an entrypoint, and the arguments that a ``partial`` passes to it."""
    target = resolver.name(hubconf, entry.name)
    if isinstance(target, Defined):
        return target, {}
    if not isinstance(target, Valued):
        return None, {}
    called = find_callable(resolver, target)
    if called is None or called.made_by != "partial" or not isinstance(target.value, ast.Call):
        return None, {}
    given = target.value.keywords
    return called.returning, {
        keyword.arg: find_value(resolver, hubconf, keyword.value, {})
        for keyword in given
        if keyword.arg
    }
