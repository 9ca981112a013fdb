"""What a checkpoint holds, told without torch and without running anything of it."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.parse import parse_json
from hubkit._util.zips import DAMAGED, find_pickles, is_script, open_zip, read_as_torch
from hubkit.analysis.inert import UNREADABLE, Loaded, Storage, Thing, load_inert
from hubkit.analysis.pickles import find_globals

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

Kind = Literal[
    "state dict", "training checkpoint", "model", "script", "other", "damaged", "unknown"
]

# Before torch 1.6 a checkpoint was pickles in a row: a magic number, the protocol, facts on the
# machine, the object, the keys of its storages (torch/serialization.py, _legacy_save).
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_OBJECT = 3
# How torch wraps a tensor: a parameter of a subclass of a tensor, each built by one call.
_MOST_WRAPPERS = 3
_MOST_ARGUMENTS = 8
# Where training scripts keep the weights among the rest.
_USUAL = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights", "module")


class Contents(Struct, frozen=True):
    """What a checkpoint holds.

    Attributes:
        kind: "state dict" for names and tensors alone, "training checkpoint" for one among other
            things, "model" for a whole pickled module, "script" for TorchScript, "other" for what
            else a pickle can hold, "damaged" for what begins as a checkpoint and is none, "unknown"
            for what torch does not read.
        tensors: How many tensors the weights have.
        elements: How many numbers those have.
        key: The key below which a training checkpoint keeps its weights; "" when that is not known.
        extras: What a training checkpoint holds besides, by name.
        extra_elements: How many numbers that has.
        model: The class of a whole model, such as "models.net.Net".
        names: Dotted names that unpickling imports.
        devices: Where the tensors were saved from, such as "cuda:0".
        prefix: What all names of a state dict start with when that is "module."; else "".
        is_safetensors: Whether it is written in safetensors.
    """

    kind: Kind
    tensors: int = 0
    elements: int = 0
    key: str = ""
    extras: tuple[str, ...] = ()
    extra_elements: int = 0
    model: str = ""
    names: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    prefix: str = ""
    is_safetensors: bool = False


def read_contents(path: Path) -> Contents:
    """What a checkpoint holds; of tensors, only their shapes are read.

    Args:
        path: The file, in any format that torch reads, or safetensors.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(9)
        stream.seek(0)
        if head.startswith(b"PK\x03\x04"):
            return _read_zip(stream)
        if head[8:] == b"{":
            found = _read_safetensors(stream, path.stat().st_size)
            if found is not None:
                return found
        if head.startswith(b"\x80"):
            return _read_pickles(stream)
        size = min(path.stat().st_size, limits.PICKLE_BYTES.most)  # a read takes what it asks for
        found = find_globals(stream.read(size))
        if found is not None and not found.is_complete:
            return Contents("damaged", names=found.names)
        return Contents("unknown", names=found.names if found else frozenset())


def _read_zip(stream: BinaryIO) -> Contents:
    try:
        with open_zip(stream, limits.CHECKPOINT_INDEX) as archive:
            if is_script(archive):
                return Contents("script")
            pickles = find_pickles(archive)
            if len(pickles) != 1:
                return Contents("damaged" if pickles else "unknown")
            content = read_as_torch(archive, pickles[0], limits.PICKLE_BYTES.most)
        loaded = load_inert(io.BytesIO(content))
    except (*DAMAGED, *UNREADABLE):
        return Contents("damaged")
    return _describe_loaded(loaded, loaded.names)


def _read_pickles(stream: BinaryIO) -> Contents:
    """A checkpoint of torch before 1.6, or a plain pickle."""
    try:
        loaded = load_inert(stream)
        names = loaded.names
        if loaded.value == _LEGACY_MAGIC:
            for _ in range(_LEGACY_OBJECT):
                loaded = load_inert(stream)
                names |= loaded.names
    except UNREADABLE:
        return Contents("damaged")
    return _describe_loaded(loaded, names)


def _describe_loaded(loaded: Loaded, names: frozenset[str]) -> Contents:
    try:
        described = _describe(loaded.value)
    except UNREADABLE:  # nested too deeply, or names that no text can hold
        return Contents("damaged", names=names)
    return replace(described, names=names, devices=loaded.devices)


def _read_safetensors(stream: BinaryIO, size: int) -> Contents | None:
    length = int.from_bytes(stream.read(8), "little")
    if length > min(limits.SAFETENSORS_HEADER.most, size - 8):
        return None
    if length > limits.SAFETENSORS_INSPECTED.most:
        return Contents("unknown", is_safetensors=True)
    try:
        header = parse_json(stream.read(length))
        shapes = [value["shape"] for name, value in header.items() if name != "__metadata__"]
        elements = sum(_count_elements(shape) for shape in shapes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Contents("state dict", len(shapes), elements, is_safetensors=True)


def _count_elements(shape: list[object]) -> int:
    """How many numbers a tensor of a shape has.

    Raises:
        ValueError: It is not the shape of a tensor.
    """
    axes = [axis for axis in shape if type(axis) is int and 0 <= axis < 1 << 63]
    if len(axes) < len(shape) or len(axes) > limits.TENSOR_AXES.most:
        raise ValueError("not the shape of a tensor")
    return math.prod(axes)


def _describe(value: object) -> Contents:
    """What an object is, as far as its parts tell."""
    if isinstance(value, Thing):
        state = value.state if isinstance(value.state, Mapping) else {}
        is_module = "_modules" in state or "_parameters" in state
        return _count(value, "model" if is_module else "other", model=value.origin)
    if not isinstance(value, Mapping) or not value:
        return _count(value, "other")
    if _is_state_dict(value):
        names = [str(name) for name in value]
        prefix = "module." if all(name.startswith("module.") for name in names) else ""
        return _count(value, "state dict", prefix=prefix)
    inner = {
        key: part for key, part in value.items() if isinstance(key, str) and _is_state_dict(part)
    }
    inner = {key: part for key, part in inner.items() if "optim" not in key.lower()}
    key = next((key for key in _USUAL if key in inner), next(iter(inner), ""))
    whole = next((part for part in value.values() if isinstance(part, Thing)), None)
    if not key and whole is not None and _describe(whole).kind == "model":
        return replace(_describe(whole), extras=_names(value))
    if not key:
        return _count(value, "other", extras=_names(value))
    rest = {name: part for name, part in value.items() if name != key}
    _, extra_elements = _tally(rest)
    return replace(
        _count(inner[key], "training checkpoint", key=key),
        extras=_names(rest),
        extra_elements=extra_elements,
    )


def _names(value: Mapping[object, object]) -> tuple[str, ...]:
    return tuple(str(key) if isinstance(key, str | int) else "?" for key in value)


def _count(
    value: object,
    kind: Kind,
    *,
    key: str = "",
    model: str = "",
    prefix: str = "",
    extras: tuple[str, ...] = (),
) -> Contents:
    tensors, elements = _tally(value)
    return Contents(kind, tensors, elements, key, extras, model=model, prefix=prefix)


def _is_state_dict(value: object) -> bool:
    """Whether it is names and tensors alone; modules may add state of their own."""
    if not isinstance(value, Mapping) or not value:
        return False
    named = all(isinstance(name, str) for name in value)
    others = [name for name, part in value.items() if _shape(part) is None]
    return named and len(others) < len(value) and all("_extra_state" in str(o) for o in others)


def _shape(value: object, depth: int = 0) -> tuple[int, ...] | None:
    """The shape of what would become a tensor; None for anything else."""
    if not isinstance(value, Thing) or not value.arguments or depth > _MOST_WRAPPERS:
        return None
    if value.origin.startswith("torch._utils._rebuild_parameter"):
        return _shape(value.arguments[0], depth + 1)
    if not value.origin.startswith(("torch._utils._rebuild", "torch._tensor._rebuild")):
        return None
    if not isinstance(value.arguments[0], Storage):
        inner = (_shape(one, depth + 1) for one in value.arguments[:_MOST_ARGUMENTS])
        return next((shape for shape in inner if shape is not None), ())
    size = value.arguments[2] if len(value.arguments) > 2 else ()
    axes = size[: limits.TENSOR_AXES.most] if isinstance(size, tuple) else ()
    return tuple(n for n in axes if isinstance(n, int) and 0 <= n < 1 << 63)


def _tally(value: object) -> tuple[int, int]:
    """How many tensors there are in something, and how many numbers in those."""
    shapes = list(_shapes(value, set(), 0))
    return len(shapes), sum(math.prod(shape) for shape in shapes)


def _shapes(value: object, seen: set[int], depth: int) -> Iterator[tuple[int, ...]]:
    if depth > limits.PICKLE_DEPTH.most or id(value) in seen:
        return
    seen.add(id(value))
    shape = _shape(value)
    if shape is not None:
        yield shape
    elif isinstance(value, Thing):
        for part in (value.state, *value.arguments, *value.parts):
            yield from _shapes(part, seen, depth + 1)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _shapes(part, seen, depth + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _shapes(part, seen, depth + 1)
