"""A pickle taken apart: what it would import is named, and nothing of it is imported or called.

Every object of a class becomes a `Thing` that remembers what it was to be made of.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

# No checkpoint has them: memory outside the pickle, classes by number.
_UNHEARD_OF = (
    pickle.BYTEARRAY8,
    pickle.EXT1,
    pickle.EXT2,
    pickle.EXT4,
    pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER,
)
# Equal hashes make a dict slow; integers have them from here on.
_HASH_MODULUS = sys.hash_info.modulus
# What unpickling damaged or hostile bytes raises.
UNREADABLE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


class Thing:
    """An object that was not made.

    Attributes:
        origin: Dotted name of its class, or of the function that would make it.
        arguments: What that would be called with.
        state: What it would be given as its state.
        parts: What would be put into it.
    """

    origin = ""

    def __new__(cls, *arguments: object, **_: object) -> Thing:  # noqa: D102
        thing = object.__new__(cls)
        thing.arguments = arguments
        thing.state = None
        thing.parts = []
        return thing

    arguments: tuple[object, ...]
    state: object
    parts: list[object]

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        self.parts.append(value)

    def append(self, part: object) -> None:
        """Take a part, as a list would."""
        self.parts.append(part)

    def extend(self, parts: list[object]) -> None:
        """Take several parts, as a list would."""
        self.parts.extend(parts)

    def update(self, *_: object) -> None:
        """Take parts, as a set would."""

    add = update


class Storage(Struct, frozen=True):
    """The numbers of tensors, which lie outside the pickle.

    Attributes:
        key: Which of them.
        device: Where they were saved from.
    """

    key: str
    device: str


class Loaded(Struct, frozen=True):
    """A pickle, taken apart.

    Attributes:
        value: What it holds.
        names: Dotted names that it would import.
        devices: Where its tensors were saved from.
    """

    value: object
    names: frozenset[str]
    devices: frozenset[str]


class Names(Struct, frozen=True):
    """What a pickle would import.

    Attributes:
        names: Dotted names.
        calls: How many calls it would make.
        is_complete: Whether it was read to its end.
    """

    names: frozenset[str]
    calls: int
    is_complete: bool


def find_names(stream: IO[bytes]) -> Names:
    """What one pickle would import, as far as it can be taken apart; it runs as far, too.

    Args:
        stream: Where it starts. It is left after the end of the pickle if that is reached.
    """
    unpickler = _Unpickler(_Bounded(stream))
    is_complete = True
    try:
        unpickler.load()
    except UNREADABLE:
        is_complete = False
    return Names(frozenset(unpickler.names), unpickler.calls, is_complete)


def load_inert(stream: IO[bytes]) -> Loaded:
    """Take one pickle apart; the stream is left after its end.

    Args:
        stream: Where it starts.

    Raises:
        Exception: One of ``UNREADABLE``: it is damaged, or far larger than that of a checkpoint.
    """
    unpickler = _Unpickler(_Bounded(stream))
    value = unpickler.load()
    return Loaded(value, frozenset(unpickler.names), frozenset(unpickler.devices))


class _Bounded:
    """A stream of which no more is read than a pickle may have.

    Without ``readinto`` and ``peek`` the unpickler reads no further than it must.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = limits.PICKLE_BYTES.most
        self._reads = limits.PICKLE_READS.most

    def read(self, count: int) -> bytes:
        return self._pay(self._stream.read(min(count, self._left + 1)))

    def readline(self) -> bytes:
        return self._pay(self._stream.readline(self._left + 1))

    def _pay(self, data: bytes) -> bytes:
        self._left -= len(data)
        self._reads -= 1
        if self._left < 0 or self._reads < 0:
            raise ValueError("a pickle larger than that of any checkpoint")
        return data


class _Tuple(tuple[object, ...]):
    """A tuple that is hashed as one thing: hashing what is nested a million deep ends the process."""

    __slots__ = ()
    __hash__ = object.__hash__


def _wrapping(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """What reads a tuple, with a `_Tuple` of it left on the stack."""

    def load_tuple(self: Any) -> None:  # noqa: ANN401
        load(self)
        self.stack[-1] = _Tuple(self.stack[-1])

    return load_tuple


def _paying(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """What calls something with the top of the stack, once that is paid for."""

    def load_call(self: Any) -> None:  # noqa: ANN401
        self.calls += 1
        for value in self.stack[-2:]:
            self.pay(value)
        load(self)

    return load_call


def _bounding(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """What reads an integer, with large ones counted: as keys of a dict they may all be alike."""

    def load_integer(self: Any) -> None:  # noqa: ANN401
        load(self)
        if abs(self.stack[-1]) >= _HASH_MODULUS:
            self.large += 1
            if self.large > limits.PICKLE_LARGE_INTEGERS.most:
                raise ValueError("a pickle with more large integers than any checkpoint")

    return load_integer


# The one in C reserves as much memory as the numbers in a damaged file ask for.
class _Unpickler(pickle._Unpickler):  # noqa: SLF001
    dispatch = {  # noqa: RUF012 - as the base class has it
        code: load
        for code, load in pickle._Unpickler.dispatch.items()  # noqa: SLF001
        if bytes([code]) not in _UNHEARD_OF
    }
    for _code in (
        *(pickle.REDUCE, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.BUILD),
        *(pickle.INST, pickle.OBJ),
    ):
        dispatch[_code[0]] = _paying(dispatch[_code[0]])
    for _code in (pickle.INT, pickle.LONG, pickle.LONG1, pickle.LONG4):
        dispatch[_code[0]] = _bounding(dispatch[_code[0]])
    for _code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
        dispatch[_code[0]] = _wrapping(dispatch[_code[0]])

    def __init__(self, stream: _Bounded) -> None:
        super().__init__(stream, encoding="utf-8", errors="replace")
        self.calls = 0
        self.large = 0
        self.names: set[str] = set()
        self._classes: dict[tuple[str, str], type[Thing]] = {}
        self.devices: set[str] = set()
        self._arguments = limits.PICKLE_READS.most

    def pay(self, value: object) -> None:
        """Count what a call would copy: a few bytes of a pickle can pass a long tuple again."""
        parts = value[:2] if isinstance(value, tuple) else ()
        sized = [one for one in (value, *parts) if isinstance(one, tuple | list | dict)]
        self._arguments -= sum(map(len, sized))
        if self._arguments < 0:
            raise ValueError("a pickle that copies more than any checkpoint")

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        self.names.add(f"{module}.{name}")
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        known = self._classes.get((module, name))
        if known is None:
            if len(self._classes) >= limits.PICKLE_CLASSES.most:
                raise ValueError("a pickle with more classes than any checkpoint")
            known = type(name or "Thing", (Thing,), {"origin": f"{module}.{name}"})
            self._classes[module, name] = known
        return known

    def persistent_load(self, pid: Any) -> object:  # noqa: ANN401
        # torch/serialization.py: ("storage", class, key, location, count, ...).
        if isinstance(pid, tuple) and len(pid) > 3 and pid[0] == "storage":
            # Nothing else is turned into text: nested tuples grow without end when they are.
            key, device = (one if isinstance(one, str) else "" for one in pid[2:4])
            storage = Storage(key, device)
            self.devices.add(storage.device)
            return storage
        return Thing(pid)
