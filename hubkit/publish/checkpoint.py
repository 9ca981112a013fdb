"""Checkpoints as people save them, reduced to the state dict that entrypoints load.

``torch.load(weights_only=True)`` reads them, so no code in them runs. Only `convert_trusted` runs
code: it loads a pickled module, in a child process, after its publisher agreed.
"""

from __future__ import annotations

import itertools
import pickle
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from msgspec import Struct, convert

from hubkit import limits
from hubkit._util.process import Call, ChildError, run_child
from hubkit._util.text import did_you_mean, join_words, plural, quoted
from hubkit.analysis.pickles import scan_checkpoint
from hubkit.errors import CheckpointError, MissingExtraError
from hubkit.loader.checkpoint_files import is_safetensors, read_checkpoint
from hubkit.loader.dependencies import torch_is_missing
from hubkit.publish.weights import require_file
from hubkit.rules.weights import is_allowed, is_harmful

if TYPE_CHECKING:
    from hubkit.analysis.pickles import PickleScan

_SHOWN = 4
# How files start that torch.save wrote before torch 1.6 (torch/serialization.py, MAGIC_NUMBER).
_LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_ZIP_START = b"PK\x03\x04"
_STATE_DICT = "Save a state dict: torch.save(model.state_dict(), ...)"


class Weights(Struct, frozen=True):
    """What a checkpoint contains.

    Attributes:
        format: "script" is TorchScript, which has no state dict.
        state: The state dict.
        key: Where it is in the file, with dots: "model"; "" if the file contains nothing else.
        others: The other keys beside it.
    """

    format: Literal["pickle", "safetensors", "script"]
    state: Mapping[str, Any]
    key: str = ""
    others: tuple[str, ...] = ()

    @property
    def elements(self) -> int:
        """The number of values in all tensors."""
        return sum(int(tensor.numel()) for tensor in self.state.values() if _is_tensor(tensor))


class ConvertRequest(Struct, frozen=True):
    """What the child process converts.

    Attributes:
        source: The checkpoint.
        target: The file to write.
        folder: Where its classes are imported from.
        key: As in `read_weights`.
        prefix: As in `write_state`.
    """

    source: str
    target: str
    folder: str
    key: str | None
    prefix: str


class ConvertReply(Struct, frozen=True):
    """The key of the state dict and the others beside it, or the error and its hint."""

    key: str = ""
    others: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""


def read_weights(path: Path, key: str | None = None) -> Weights:
    """Read the state dict in a checkpoint. Large files are mapped into memory.

    Args:
        path: The file.
        key: The key of the state dict; by default, the only one.

    Raises:
        CheckpointError: The file is not a checkpoint, contains more than weights, or not one state
            dict.
        MissingExtraError: torch or safetensors is not installed.
        UsageError: It cannot be read.
    """
    require_file(path)
    _require_torch()
    if is_safetensors(path):
        return Weights("safetensors", read_checkpoint(path, "cpu", weights_only=True))
    scan = _scan(path)
    if scan.is_script:
        return Weights("script", {})
    classes = find_classes(path)
    try:
        contents = _load(path, weights_only=True)
    except CheckpointError:  # an UnpicklingError too
        raise
    except pickle.UnpicklingError as error:
        reason = str(error).rpartition("WeightsUnpickler error: ")[2].strip().partition("\n")[0]
        raise CheckpointError(
            f"{path} contains more than weights: {quoted(classes, most=_SHOWN) or reason}",
            hint="--state-dict loads all of it, which runs code of these classes, and writes the "
            "plain state dict.",
        ) from error
    return _select(contents, key, path)


def find_classes(path: Path) -> tuple[str, ...]:
    """Names that loading a checkpoint imports, except those of torch and plain containers.

    Raises:
        CheckpointError: It is not a checkpoint, or would run commands.
    """
    names = tuple(dict.fromkeys(filter(_is_foreign, _scan(path).names)))
    harmful = [one for one in names if is_harmful(one)]
    if harmful:
        raise CheckpointError(
            f"Loading {path} runs {quoted(harmful, most=_SHOWN)}",
            hint="Checkpoints do not need this. Find out where the file comes from.",
        )
    return names


def convert_in_child(request: ConvertRequest) -> ConvertReply:
    """Load a pickled module, or what else a checkpoint contains, and write its state dict.

    Raises:
        CheckpointError: That fails.
    """
    _require_torch()
    call = Call(f"{__name__}:{convert_trusted.__name__}", request)
    try:
        reply = run_child(call, ConvertReply).reply
    except ChildError as error:
        reply = ConvertReply(error=f"loading {request.source} {error.reason}", hint=error.output)
    if reply.error:
        raise CheckpointError(reply.error, hint=reply.hint)
    return reply


def convert_trusted(message: object) -> ConvertReply:
    """Load a checkpoint with its classes and write the state dict. This runs in the child process.

    Args:
        message: A `ConvertRequest`.
    """
    import sys

    request = convert(message, ConvertRequest)
    sys.path.insert(0, request.folder)
    source = Path(request.source)
    try:
        found = _select(_load(source, weights_only=False), request.key, source)
        write_state(found.state, Path(request.target), request.prefix)
    except CheckpointError as error:
        return ConvertReply(error=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - unpickling runs any code
        return ConvertReply(
            error=f"{source} cannot be loaded: {type(error).__name__}: {error}",
            hint="Run this in the folder from which training imports its classes.",
        )
    return ConvertReply(found.key, found.others)


def write_state(state: Mapping[str, Any], path: Path, prefix: str = "") -> None:
    """Write a state dict.

    Args:
        state: The state dict.
        path: The file. The suffix ``.safetensors`` selects that format.
        prefix: Text to remove from the start of all names, such as "module.".

    Raises:
        CheckpointError: A name does not start with the prefix, or safetensors does not support the
            tensors.
        MissingExtraError: safetensors is not installed.
    """
    other = next((name for name in state if not name.startswith(prefix)), None)
    if other is not None:
        raise CheckpointError(
            f"{other!r} in the state dict does not start with {prefix!r}", hint="Correct --strip."
        )
    if prefix:
        state = {name[len(prefix) :]: value for name, value in state.items()}
    if path.suffix == ".safetensors":
        _write_safetensors(state, path)
    else:
        import torch

        torch.save(state, path)


def _require_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise torch_is_missing("hubkit weights add needs torch")


def _scan(path: Path) -> PickleScan:
    with path.open("rb") as stream:
        scan = scan_checkpoint(stream)
    if scan is None:
        raise CheckpointError(
            f"{path} is not a checkpoint", hint="Pass a file that torch.save or safetensors wrote."
        )
    if not scan.is_complete:
        raise CheckpointError(
            f"{path} is a damaged checkpoint",
            hint="Check that it was saved and copied completely.",
        )
    return scan


def _load(path: Path, *, weights_only: bool) -> object:
    import torch

    with path.open("rb") as stream:
        start = stream.read(len(_LEGACY_START))
    is_zip = start.startswith(_ZIP_START)
    if not is_zip and start != _LEGACY_START:
        raise CheckpointError(f"{path} is a pickle, but not one of torch.save", hint=_STATE_DICT)
    try:
        return torch.load(path, "cpu", weights_only=weights_only, mmap=is_zip or None)
    except (RuntimeError, EOFError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CheckpointError(
            f"{path} is a damaged checkpoint: {reason}",
            hint="Check that it was saved and copied completely.",
        ) from error


def _is_foreign(name: str) -> bool:
    """Whether a name is of a package that torch does not load from by default."""
    return not is_allowed(name) or name.startswith("numpy")


def _select(value: object, key: str | None, path: Path) -> Weights:
    """The state dict at a key, or the only one."""
    found = dict(_find_states(value, "", 0))
    if key is not None and key not in found:
        raise CheckpointError(
            f"{path} contains no state dict at {key!r}",
            hint=did_you_mean(key, found) or _list_keys(found) or _STATE_DICT,
        )
    if not found:
        keys = f" with the keys {quoted(_keys(value), most=_SHOWN)}" if _keys(value) else ""
        kind = type(value).__name__
        raise CheckpointError(f"{path} contains a {kind}{keys}, no state dict", hint=_STATE_DICT)
    if key is None and len(found) > 1:
        message = f"{path} contains {len(found)} state dicts"
        raise CheckpointError(message, hint=f"{_list_keys(found)} Choose one with --key NAME.")
    key = next(iter(found)) if key is None else key
    first = key.partition(".")[0] if key not in _keys(value) else key
    return Weights("pickle", found[key], key, tuple(one for one in _keys(value) if one != first))


def _find_states(value: object, key: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """State dicts in nested dictionaries, and of modules in them, with their dotted keys."""
    from torch.nn import Module

    if isinstance(value, Module):
        value = value.state_dict()
    if not isinstance(value, Mapping) or depth > limits.CHECKPOINT_DEPTH.most:
        return
    if _is_state_dict(value):
        yield key, value
        return
    for name, part in value.items():
        # The state of an optimizer has tensors too, under numbers.
        if isinstance(name, str) and "optim" not in name.lower():
            yield from _find_states(part, f"{key}.{name}" if key else name, depth + 1)


def _is_state_dict(value: Mapping[Any, object]) -> bool:
    """Whether a dictionary contains names and tensors only, or extra state of modules."""
    if not all(isinstance(name, str) for name in value):
        return False
    others = [name for name, part in value.items() if not _is_tensor(part)]
    return len(others) < len(value) and all("_extra_state" in name for name in others)


def _is_tensor(value: object) -> bool:
    from torch import Tensor

    return isinstance(value, Tensor)


def _keys(value: object) -> tuple[str, ...]:
    return tuple(filter(_is_text, value)) if isinstance(value, Mapping) else ()


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _list_keys(found: Mapping[str, Mapping[str, Any]]) -> str:
    listed = [f"{key} ({plural(len(state), 'tensor')})" for key, state in found.items() if key]
    return f"It contains {join_words(listed, most=_SHOWN)}." if listed else ""


def _write_safetensors(state: Mapping[str, Any], path: Path) -> None:
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "--safetensors needs safetensors, which is not installed.",
            hint="Install it: pip install safetensors",
        ) from error
    _require_unshared(state)
    try:
        tensors = {name: tensor.detach().contiguous().clone() for name, tensor in state.items()}
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    except (AttributeError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"The state dict cannot be written as safetensors: {error}",
            hint="The format supports only dense tensors of plain types.",
        ) from error


def _require_unshared(state: Mapping[str, Any]) -> None:
    """Reject tensors that overlap in memory, which safetensors would store twice."""
    placed: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for name, tensor in state.items():
        if not _is_tensor(tensor) or tensor.is_sparse or not tensor.numel():
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
            f"Tensors share memory: {join_words(pairs, most=_SHOWN)}",
            hint="They are tied, such as embedding and output layers, but safetensors stores each "
            "tensor separately. Save one of each pair and tie them again in the model, or publish "
            "a pickle.",
        )
