"""Search the arguments with which a model has the shapes of a checkpoint."""

from __future__ import annotations

import heapq
import itertools
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Shapes: TypeAlias = "Mapping[str, tuple[int, ...]]"
Arguments: TypeAlias = "dict[str, object]"
Build: TypeAlias = "Callable[[Arguments], Shapes | str]"
"""Returns the shapes of a model's state dict, or why the model cannot be built."""

_MOST_SLOTS = 24  # numbers in the arguments that are varied
_MOST_SOLUTIONS = 2  # of one number
# Older versions of torch did not save it, and load_state_dict does not ask for it.
_OPTIONAL = "num_batches_tracked"
_SHOWN = 3


class Fit(Struct, frozen=True):
    """The result of a search.

    Attributes:
        arguments: The best arguments; None if the model cannot be built at all.
        difference: The first difference that is left; "" if all shapes are the same.
        differences: How many there are.
    """

    arguments: Arguments | None
    difference: str = ""
    differences: int = 0


def find_fit(
    build: Build, wanted: Shapes, starts: Sequence[Arguments], is_over: Callable[[], bool]
) -> Fit:
    """Search the arguments with which a model has certain shapes.

    The search starts from arguments that the repo shows. From the best ones so far it goes on to
    those of other starts, to numbers that explain the shapes, and to other flags.

    Args:
        build: Builds the model.
        wanted: The shapes.
        starts: Arguments to start from, the best first.
        is_over: Whether there is no time left.
    """
    budget = _Budget(build, is_over)
    choices = _find_choices(starts)
    order = itertools.count()
    heap = [(-1, next(order), dict(start)) for start in starts]
    seen: set[str] = set()
    best = Fit(None)
    while heap and not budget.is_spent():
        _, _, arguments = heapq.heappop(heap)
        if repr(sorted(arguments.items())) in seen:
            continue
        seen.add(repr(sorted(arguments.items())))
        shapes = budget.build(arguments)
        if isinstance(shapes, str):
            best = best if best.difference else Fit(None, shapes)
            continue
        found = list(_differences(shapes, wanted))
        if best.arguments is None or len(found) < best.differences:
            best = Fit(arguments, found[0] if found else "", len(found))
        if not found:
            return best
        for other in _neighbors(budget, arguments, shapes, wanted, choices):
            heapq.heappush(heap, (len(found), next(order), other))
    return best


def is_determined(build: Build, arguments: Arguments, name: str) -> bool:
    """Whether the shapes of a model depend on a number among its arguments.

    Args:
        build: Builds the model.
        arguments: Arguments that build it.
        name: The argument.
    """
    shapes = build(arguments)
    others = (build({**arguments, name: probe}) for probe in _probes(arguments[name]))
    return any(other != shapes for other in others if not isinstance(other, str))


class _Budget:
    """Builds a model until time or the limit is used up; the same arguments only once."""

    def __init__(self, build: Build, is_over: Callable[[], bool]) -> None:
        self._build, self._is_over = build, is_over
        self._known: dict[str, Shapes | str] = {}

    def is_spent(self) -> bool:
        return len(self._known) >= limits.TRIED_BUILDS.most or self._is_over()

    def build(self, arguments: Arguments) -> Shapes | str:
        key = repr(sorted(arguments.items()))
        if key not in self._known:
            self._known[key] = "not built" if self.is_spent() else self._build(arguments)
        return self._known[key]


def _find_choices(starts: Iterable[Arguments]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = defaultdict(list)
    for start in starts:
        for name, value in start.items():
            if value not in found[name]:
                found[name].append(value)
    return found


def _differences(shapes: Shapes, wanted: Shapes) -> Iterator[str]:
    """What is different: shapes first, then names."""
    for name, shape in wanted.items():
        if name in shapes and shapes[name] != shape:
            yield f"`{name}` is {list(shape)} in the checkpoint and {list(shapes[name])} in the model"
    missing = [name for name in wanted if name not in shapes]
    extra = [name for name in shapes if name not in wanted and not name.endswith(_OPTIONAL)]
    yield from (f"the model has no `{name}`" for name in missing)
    yield from (f"the checkpoint has no `{name}`" for name in extra)


def _neighbors(
    budget: _Budget,
    arguments: Arguments,
    shapes: Shapes,
    wanted: Shapes,
    choices: Mapping[str, Sequence[object]],
) -> Iterator[Arguments]:
    """Arguments to try next, those that explain the most first."""
    solved: list[tuple[_Slot, list[float]]] = []
    for slot in itertools.islice(_slots(arguments), _MOST_SLOTS):
        solutions = _solve(budget, arguments, slot, shapes, wanted)
        if solutions:
            solved.append((slot, solutions))
    together = arguments
    for slot, solutions in solved:
        together = slot.put(together, solutions[0])
    yield together
    for slot, solutions in solved:
        yield from (slot.put(arguments, solution) for solution in solutions)
    for name, values in choices.items():
        yield from ({**arguments, name: value} for value in values if value != arguments.get(name))
    for name, value in arguments.items():
        if isinstance(value, bool):
            yield {**arguments, name: not value}


class _Slot(Struct, frozen=True):
    """A number among arguments, perhaps in a list."""

    name: str
    index: int | None
    value: int | float

    def put(self, arguments: Arguments, number: float) -> Arguments:
        """The arguments with another number."""
        value: object = number if isinstance(self.value, float) else int(number)
        if self.index is not None:
            old = arguments[self.name]
            assert isinstance(old, list | tuple)  # noqa: S101 - as `_slots` found it
            value = type(old)([*old[: self.index], value, *old[self.index + 1 :]])
        return {**arguments, self.name: value}


def _slots(arguments: Arguments) -> Iterator[_Slot]:
    for name, value in arguments.items():
        parts = enumerate(value) if isinstance(value, list | tuple) else [(None, value)]
        for index, part in parts:
            if isinstance(part, int | float) and not isinstance(part, bool) and part > 0:
                yield _Slot(name, index, part)


def _probes(value: object) -> tuple[int | float, ...]:
    """Numbers to see what depends on one. A sum may have to be divisible by others."""
    if isinstance(value, float):
        return (value * 2,)
    return (value + 1, value * 2) if isinstance(value, int) else ()


def _solve(
    budget: _Budget, arguments: Arguments, slot: _Slot, shapes: Shapes, wanted: Shapes
) -> list[float]:
    """Values of a number that explain wanted shapes, if they depend on it linearly."""
    before, goal = _numbers(shapes), _numbers(wanted)
    for probe in _probes(slot.value):
        other = budget.build(slot.put(arguments, probe))
        if isinstance(other, str):
            continue
        after = _numbers(other)
        found: Counter[float] = Counter()
        for place, old in before.items():
            new, changed = goal.get(place, old), after.get(place, old)
            if new != old and changed != old:
                value = slot.value + (new - old) * (probe - slot.value) / (changed - old)
                if value > 0 and (isinstance(slot.value, float) or value == int(value)):
                    found[round(value, 6)] += 1
        if found:
            return [value for value, _ in found.most_common(_MOST_SOLUTIONS)]
    return []


def _numbers(shapes: Shapes) -> dict[tuple[str, int], int]:
    """The numbers that describe a model: its sizes, and how many parts its lists have."""
    found = {(name, axis): n for name, shape in shapes.items() for axis, n in enumerate(shape)}
    parts: dict[str, set[str]] = defaultdict(set)
    for name in shapes:
        for match in re.finditer(r"(?:^|\.)(\d+)(?=\.)", name):
            parts[name[: match.start()]].add(match[1])
    return found | {(name, -1): len(indices) for name, indices in parts.items()}
