"""What an entrypoint does without being asked: download, want a GPU, or fail with its defaults."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import TYPE_CHECKING

from hubkit.analysis.calls import CertainPath
from hubkit.analysis.conditions import EXISTS, evaluate
from hubkit.analysis.devices import asks_for_gpu, find_moves
from hubkit.analysis.resolve import Defined, Valued
from hubkit.analysis.signatures import find_callable, method_of
from hubkit.facts import FailingDefault, GpuNeed, UnaskedDownload
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.conditions import Value
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import Entrypoint

SWITCHES = ("pretrained", "pretrain", "weights")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where calls of entrypoints are certain to lead.

    What they do by default is asked for more than once, and is remembered.

    Attributes:
        resolver: Looks names up.
    """

    resolver: Resolver
    _taken: dict[tuple[ast.AST, frozenset[tuple[str, Value]]], CertainPath] = field(
        default_factory=dict
    )
    _moves: dict[ast.AST, tuple[ast.Call, ...]] = field(default_factory=dict)

    def take(self, target: Defined, values: dict[str, Value]) -> CertainPath:
        """The path of a call with known arguments."""
        key = (target.node, frozenset(values.items()))
        if key not in self._taken:
            self._taken[key] = CertainPath(self.resolver)
            self._taken[key].call(target, values)
        return self._taken[key]

    def moves(self, path: CertainPath) -> Iterator[tuple[ast.Call, Scope]]:
        """Calls that need a GPU, those in ``forward`` of the networks that are built last."""
        yield from path.moves
        for built in path.built.values():
            forward = method_of(self.resolver, built, "forward")
            if forward is not None:
                scope, node = forward
                if node not in self._moves:
                    self._moves[node] = tuple(find_moves(node))
                yield from ((move, scope) for move in self._moves[node])


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
        target, values = _called(hubconf, resolver, entry)
        if target is None:
            continue
        switch = next((one for one in entry.parameters or () if one.name in SWITCHES), None)
        if switch is not None:
            is_flag = switch.default in (None, "True", "False") and switch.name != "weights"
            values[switch.name] = False if is_flag else None
        # Nothing is kept from an earlier call yet.
        path = CertainPath(resolver, {EXISTS: False})
        path.call(target, values)
        for node, scope, name in path.downloads[:1]:
            place = scope.file.location(node)
            yield UnaskedDownload(entry.name, switch.name if switch else "", name, place)


def find_failing_defaults(
    hubconf: Scope, paths: Paths, entrypoints: Iterable[Entrypoint]
) -> Iterator[FailingDefault]:
    """Entrypoints that are certain to raise when they are called without arguments.

    Args:
        hubconf: The hubconf's names.
        paths: Where calls lead.
        entrypoints: What to call; those with required arguments are left out.
    """
    for entry in entrypoints:
        target, values = _called(hubconf, paths.resolver, entry)
        if target is None or any(parameter.required for parameter in entry.parameters or ()):
            continue
        for statement, scope in paths.take(target, values).failures[:1]:
            text = ast.unparse(statement).partition("\n")[0]
            yield FailingDefault(entry.name, text, scope.file.location(statement))


def find_gpu_needs(
    hubconf: Scope, paths: Paths, entrypoints: Iterable[Entrypoint]
) -> Iterator[GpuNeed]:
    """Entrypoints that are certain to fail on a machine without a GPU, unless told otherwise.

    Args:
        hubconf: The hubconf's names.
        paths: Where calls lead.
        entrypoints: What to call: with their own defaults, and asked for weights.
    """
    for entry in entrypoints:
        target, given = _called(hubconf, paths.resolver, entry)
        default = _gpu_default(target, entry)
        if default:
            yield GpuNeed(entry.name, default, entry.definition)
        elif target is not None:
            switches = [one.name for one in entry.parameters or () if one.name in SWITCHES]
            asked: dict[str, Value] = dict.fromkeys(switches, True)
            for values in (asked, {}) if asked else ({},):
                move = next(paths.moves(paths.take(target, {**given, **values})), None)
                if move is not None:
                    node, scope = move
                    place = scope.file.location(node)
                    yield GpuNeed(entry.name, "", place, ast.unparse(node.func))
                    break


def _gpu_default(target: Defined | None, entry: Entrypoint) -> str:
    """The parameter whose default is a GPU; "" where the function asks whether there is one."""
    node = target.node if target else None
    if isinstance(node, ast.FunctionDef) and asks_for_gpu(node):
        return ""
    return next(
        (
            one.name
            for one in entry.parameters or ()
            if (one.default or "").strip("'\"").partition(":")[0] == "cuda"
        ),
        "",
    )


def _called(
    hubconf: Scope, resolver: Resolver, entry: Entrypoint
) -> tuple[Defined | None, dict[str, Value]]:
    """What an entrypoint calls, and the arguments that a ``partial`` gives it."""
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
        keyword.arg: evaluate({}, keyword.value) for keyword in given if keyword.arg
    }
