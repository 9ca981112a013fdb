"""``hubkit.records.dataclass`` does what the standard library's does, in all that hubkit uses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from dataclasses import field
from typing import TYPE_CHECKING, Any

import pytest

from hubkit import records

if TYPE_CHECKING:
    from collections.abc import Callable

Decorator = Any


@records.dataclass(frozen=True, slots=True)
class Place:
    """A class that pickles can name."""

    path: str
    line: int = 1


def declare(decorator: Decorator) -> tuple[type, type, type]:
    """A frozen, an ordered and a changeable class, by one decorator."""

    @decorator(frozen=True, slots=True)
    class Frozen:
        first: int
        second: str = "two"
        third: list[int] = field(default_factory=list, compare=False)
        memo: tuple[int, ...] = field(default=(), repr=False)

        @property
        def double(self) -> int:
            return 2 * self.first

    @decorator(frozen=True, slots=True, order=True)
    class Ordered:
        major: int
        minor: int = 0

    @decorator(slots=True)
    class Changeable:
        given: int
        made: list[int] = field(init=False)
        count: dict[str, int] = field(default_factory=dict, init=False, repr=False)

        def __post_init__(self) -> None:
            self.made = [self.given]

    return Frozen, Ordered, Changeable


def outcome(call: Callable[[], object]) -> object:
    """What a call gives, or what it raises."""
    try:
        return call()
    except (TypeError, AttributeError) as error:
        return type(error), str(error).replace("make_init", "__init__")


def behaviour(decorator: Decorator) -> dict[str, object]:
    """What instances of the three classes do."""
    frozen, ordered, changeable = declare(decorator)
    one, same, other = frozen(1), frozen(1, third=[3]), frozen(1, "zwei", memo=(1,))
    changed = changeable(4)
    return {
        "repr": [repr(one), repr(other), repr(changed), repr(ordered(1))],
        "equal": [one == same, one == other, one != other, one == 1, ordered(1) == ordered(1, 0)],
        "hash": [hash(one) == hash(same), hash(one) == hash(other), {one: 1}[same]],
        "no hash": outcome(lambda: hash(changed)),
        "order": [
            ordered(1, 2) < ordered(2),
            ordered(1) >= ordered(1),
            max(ordered(1), ordered(2)),
        ],
        "no order": outcome(lambda: one < other),
        "foreign order": outcome(lambda: ordered(1) < 2),
        "set": outcome(lambda: setattr(one, "first", 2)),
        "delete": outcome(lambda: delattr(one, "first")),
        "no such slot": outcome(lambda: setattr(changed, "missing", 2)),
        "too few": outcome(frozen),
        "too many": outcome(lambda: changeable(1, 2)),
        "unknown": outcome(lambda: frozen(1, fourth=4)),
        "own lists": one.third is not frozen(1).third,
        "made": [changed.made, changed.count, one.double],
        "match": vars(frozen)["__match_args__"],
        "fields": [entry.name for entry in dataclasses.fields(frozen)],
        "replace": repr(dataclasses.replace(other, first=2)),
        "asdict": dataclasses.asdict(other),
        "copy": [copy.copy(one) == one, copy.deepcopy(other).third is other.third],
        "doc": frozen.__doc__ is None,
    }


def test_it_behaves_as_the_standard_library_s_does() -> None:
    ours, theirs = behaviour(records.dataclass), behaviour(dataclasses.dataclass)
    for what, expected in theirs.items():
        assert repr(ours[what]) == repr(expected), what


def test_instances_travel_through_pickles() -> None:
    place = Place("hubconf.py", 3)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(place, protocol)) == place


def test_an_unpickled_instance_may_be_the_first_one() -> None:
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    data = pickle.dumps(Place("a.py"))
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "Place(path='a.py', line=1)"


def test_a_value_that_holds_itself_can_be_shown() -> None:
    _, _, changeable = declare(records.dataclass)
    one = changeable(1)
    one.made.append(one)
    assert repr(one).endswith("(given=1, made=[1, ...])")


def test_a_subclass_without_the_decorator_is_built_by_its_parent() -> None:
    class Deeper(Place):
        pass

    assert Deeper("b.py").path == Place("b.py").path
    assert Deeper("b.py") != Place("b.py")


def test_the_constructor_is_compiled_once() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'path'"):
        Place()  # type: ignore[call-arg]
    assert Place.__init__.__code__.co_varnames[:3] == ("self", "path", "line")
