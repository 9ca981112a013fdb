"""What a checkpoint contains, and what its publisher should know about it.

The opcodes of a pickle show what it would import. Only a checkpoint that imports nothing but
tensors and plain containers is loaded, with ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

import itertools
import math
import pickle
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.text import quoted
from hubkit.analysis.pickles import PickleScan, scan_checkpoint
from hubkit.errors import CheckpointError, MissingExtraError
from hubkit.loader.checkpoint_files import is_safetensors, read_checkpoint
from hubkit.publish.weights import SHORTEST_HASH, copy_checkpoint, require_file
from hubkit.rules.weights import is_allowed, is_harmful

if TYPE_CHECKING:
    from torch import Tensor

    from hubkit.publish.weights import CheckpointCopy

Kind = Literal[
    "state dict", "training checkpoint", "model", "script", "other", "damaged", "unknown", "unread"
]

_SHOWN = 4
# How files start that torch.save wrote before torch 1.6 (torch/serialization.py, MAGIC_NUMBER).
_LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_ZIP_START = b"PK\x03\x04"
# Keys under which training scripts keep the weights.
_WEIGHTS_KEYS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "weights", "module"
)  # fmt: skip
# Attributes of every pickled module.
_MODULE_ATTRIBUTES = frozenset({"_modules", "_parameters"})


class Contents(Struct, frozen=True):
    """What a checkpoint contains.

    Attributes:
        kind: "state dict" for names and tensors only, "training checkpoint" for one among other
            values, "model" for a pickled module, "script" for TorchScript, "other" for anything
            else in a checkpoint, "damaged" for a truncated or corrupt checkpoint, "unknown" for
            what torch does not read, "unread" if torch or safetensors is not installed.
        tensors: The number of tensors of the weights.
        elements: The number of their elements.
        key: The key of the weights in a training checkpoint.
        extras: The other keys of a training checkpoint.
        extra_elements: The number of elements of its other tensors.
        model: The class of a pickled model, such as "models.net.Net".
        names: Dotted names that unpickling imports.
        devices: Devices that the tensors were saved from, such as "cuda:0".
        prefix: "module." if all names of a state dict start with it, else "".
        is_safetensors: Whether the file is in the safetensors format.
        rejection: Why ``weights_only`` rejects it, in the words of torch; "" if it does not.
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
    rejection: str = ""


def read_contents(path: Path) -> Contents:
    """Read what a checkpoint contains.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        start = stream.read(len(_LEGACY_START))
        stream.seek(0)
        if is_safetensors(path):
            return _read_safetensors(path)
        scan = scan_checkpoint(stream)
    if scan is None:
        return Contents("unknown")
    if scan.is_script:
        return Contents("script")
    refused = [name for name in scan.names if not is_allowed(name)]
    if refused:
        return _describe_refused(scan, refused)
    if not scan.is_complete:
        return Contents("damaged", names=frozenset(scan.names))
    is_zip = start.startswith(_ZIP_START)
    if not is_zip and start != _LEGACY_START:
        return Contents("unknown", names=frozenset(scan.names))
    return replace(_load(path, is_zip=is_zip), names=frozenset(scan.names))


def find_notes(contents: Contents) -> Iterator[str]:
    """What to know about a checkpoint before publishing it, and what to do about it.

    Args:
        contents: What it contains.
    """
    harmful = sorted(name for name in contents.names if is_harmful(name))
    if harmful:
        yield (
            f"Loading it without weights_only runs {quoted(harmful, most=_SHOWN)}. Find out where "
            "the file comes from before you publish it."
        )
    yield from _kind_notes(contents)
    refused = sorted(name for name in contents.names if not is_allowed(name))
    if refused and not harmful and contents.kind != "model":
        yield (
            f"weights_only=True, the default of torch.load, rejects {quoted(refused, most=_SHOWN)}. "
            "Save only tensors and plain containers."
        )
    gpus = sorted(contents.devices - {"cpu"})
    if gpus:
        yield f'It was saved from {", ".join(gpus)} and needs map_location="cpu" on other machines.'
    if contents.rejection:
        yield f"weights_only=True, the default of torch.load, rejects it: {contents.rejection}."
    if contents.prefix:
        yield (
            f"All names start with `{contents.prefix}`, which DataParallel adds. Save "
            "`model.module.state_dict()`, or users must strip the prefix."
        )


def convert_to_safetensors(
    source: Path, folder: Path, *, digits: int = SHORTEST_HASH
) -> CheckpointCopy:
    """Write a state dict as safetensors, under its hash name.

    Args:
        source: The checkpoint. It is read with ``weights_only=True``: no code in it runs.
        folder: The folder for the copy, which is created if it does not exist.
        digits: The number of digits of the hash in its name.

    Raises:
        CheckpointError: It contains more than names and tensors, tensors share memory, or
            safetensors does not support their type.
        MissingExtraError: torch or safetensors is not installed.
        UsageError: The file cannot be read or written.
    """
    require_file(source)
    safetensors = _import_safetensors()
    state = _require_state_dict(source)
    _require_unshared(source, state)
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in state.items()}
    with tempfile.TemporaryDirectory(prefix="hubkit-") as scratch:
        converted = Path(scratch) / f"{_stem(source)}.safetensors"
        try:
            safetensors.save_file(tensors, converted, metadata={"format": "pt"})
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"{source} cannot be written as safetensors: {error}",
                hint="The format supports only dense tensors of plain types.",
            ) from error
        return copy_checkpoint(converted, folder, digits=digits)


def _describe_refused(scan: PickleScan, refused: list[str]) -> Contents:
    """A checkpoint that ``weights_only`` rejects: it is not loaded."""
    is_model = set(scan.texts) >= _MODULE_ATTRIBUTES
    model = refused[0] if is_model else ""
    return Contents("model" if is_model else "other", model=model, names=frozenset(scan.names))


def _read_safetensors(path: Path) -> Contents:
    if find_spec("safetensors") is None or find_spec("torch") is None:
        return Contents("unread", is_safetensors=True)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            elements = sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    except SafetensorError:
        return Contents("unknown")
    return Contents("state dict", len(names), elements, is_safetensors=True)


def _load(path: Path, *, is_zip: bool) -> Contents:
    """Load a checkpoint and describe it; tensors of the current format are not read from disk."""
    if find_spec("torch") is None:
        return Contents("unread")
    import torch

    devices: set[str] = set()

    def keep_on_cpu(storage: Any, location: str) -> Any:  # noqa: ANN401
        devices.add(location)
        return storage

    try:
        value = torch.load(path, keep_on_cpu, weights_only=True, mmap=is_zip or None)
    except pickle.UnpicklingError as error:
        return Contents("other", rejection=_reason(error))
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return Contents("damaged")
    return replace(_describe(value), devices=frozenset(devices))


def _reason(error: pickle.UnpicklingError) -> str:
    """The sentence of torch's message that names the reason."""
    found = re.search(r"WeightsUnpickler error: ([^\n]+)", str(error))
    return found[1].strip().rstrip(".") if found else type(error).__name__


def _describe(value: object) -> Contents:
    if _is_state_dict(value):
        tensors, elements = _count_tensors(value)
        has_prefix = all(name.startswith("module.") for name in value)
        return Contents("state dict", tensors, elements, prefix="module." if has_prefix else "")
    if not isinstance(value, Mapping):
        return Contents("other", *_count_tensors(value))
    nested = [
        key
        for key, part in value.items()
        if isinstance(key, str) and "optim" not in key.lower() and _is_state_dict(part)
    ]
    key = next((key for key in _WEIGHTS_KEYS if key in nested), next(iter(nested), ""))
    rest = {name: part for name, part in value.items() if name != key}
    extras = tuple(str(name) if isinstance(name, str | int) else "?" for name in rest)
    if not key:
        return Contents("other", *_count_tensors(value), extras=extras)
    return Contents(
        "training checkpoint",
        *_count_tensors(value[key]),
        key=key,
        extras=extras,
        extra_elements=_count_tensors(rest)[1],
    )


def _is_state_dict(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a value contains names and tensors only, or extra state of modules."""
    from torch import Tensor

    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return False
    others = [name for name, part in value.items() if not isinstance(part, Tensor)]
    return len(others) < len(value) and all("_extra_state" in name for name in others)


def _count_tensors(value: object) -> tuple[int, int]:
    """The number of tensors in a value, and of their elements."""
    counts = [tensor.numel() for tensor in _tensors(value, set(), 0)]
    return len(counts), sum(counts)


def _tensors(value: object, seen: set[int], depth: int) -> Iterator[Tensor]:
    from torch import Tensor

    if depth > limits.PICKLE_DEPTH.most or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part, seen, depth + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part, seen, depth + 1)


def _kind_notes(contents: Contents) -> Iterator[str]:
    if contents.kind == "model":
        yield (
            f"It is a pickled model ({contents.model}), which loads only if that class can be "
            "imported, and which weights_only=True rejects. Publish its state dict: "
            "`torch.save(model.state_dict(), ...)`."
        )
    elif contents.kind == "training checkpoint":
        share = contents.extra_elements / (contents.elements + contents.extra_elements or 1)
        size = f" ({share:.0%} of all values)" if share >= 0.01 else ""
        yield (
            f"It is a training checkpoint: besides the weights in {contents.key!r} it contains "
            f"{quoted(contents.extras, most=_SHOWN)}{size}. Publish only the weights: "
            f"`torch.save(checkpoint[{contents.key!r}], ...)`."
        )
    elif contents.kind == "script":
        yield "It is TorchScript: load it with torch.jit.load, not load_state_dict_from_url."
    elif contents.kind == "other" and not contents.rejection:
        yield "It contains no plain state dict, which load_state_dict requires."
    elif contents.kind == "unknown":
        yield "It is not a checkpoint that torch.load or safetensors can read."
    elif contents.kind == "unread":
        missing = "safetensors" if contents.is_safetensors else "torch"
        yield f"Its contents were not checked, because {missing} is not installed."


def _stem(source: Path) -> str:
    """The file's name without its suffix and without the hash of its contents."""
    stem = source.name.removesuffix(".tar").rpartition(".")[0] or source.name
    return re.sub(r"-[0-9a-fA-F]{8,64}$", "", stem)


def _import_safetensors() -> Any:  # noqa: ANN401 - a module
    try:
        import safetensors.torch
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"The conversion needs {error.name}, which is not installed.",
            hint='Install it: pip install "torch-hubkit[torch]"',
        ) from error
    return safetensors.torch


def _require_state_dict(source: Path) -> Mapping[str, Any]:
    """The state dict in a checkpoint that contains nothing else."""
    import torch

    contents = read_contents(source)
    if contents.is_safetensors:
        raise CheckpointError(f"{source} is safetensors already.", hint="Remove --safetensors.")
    if contents.kind in ("unknown", "damaged"):
        raise CheckpointError(f"{source} is not a checkpoint that torch can read.")
    if contents.kind == "training checkpoint":
        raise CheckpointError(
            f"{source} contains {', '.join(contents.extras[:_SHOWN])} besides the weights.",
            hint=f"Save only the weights: torch.save(checkpoint[{contents.key!r}], ...)",
        )
    state: object = read_checkpoint(source, "cpu", weights_only=True)
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(
            f"{source} contains a {type(state).__name__}, not a state dict.",
            hint="Save a state dict: torch.save(model.state_dict(), ...)",
        )
    others = [name for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise CheckpointError(
            f"{source} contains more than tensors: {', '.join(map(str, others[:_SHOWN]))}.",
            hint="Save it without them: the safetensors format supports tensors only.",
        )
    return state


def _require_unshared(source: Path, state: Mapping[str, Any]) -> None:
    """Reject tensors that overlap in memory, which safetensors would store twice."""
    placed: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for name, tensor in state.items():
        if tensor.is_sparse or not tensor.numel():
            continue
        steps = zip(tensor.shape, tensor.stride(), strict=True)
        first = tensor.storage_offset()
        last = first + sum((size - 1) * stride for size, stride in steps)
        placed[tensor.untyped_storage().data_ptr()].append((first, last, name))
    pairs = [
        f"{one[2]} and {other[2]}"
        for places in placed.values()
        for one, other in itertools.pairwise(sorted(places))
        if other[0] <= one[1]
    ]
    if pairs:
        raise CheckpointError(
            f"{source} contains tensors that share memory: {'; '.join(pairs[:_SHOWN])}.",
            hint="They are tied, such as embedding and output layers, but safetensors stores each "
            "tensor separately. Save one of each pair and tie them again in the model, or publish "
            "this file as it is.",
        )
