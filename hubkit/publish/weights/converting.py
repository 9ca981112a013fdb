"""Safetensors made of a state dict. The only place here that needs torch."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.errors import CheckpointError, MissingExtraError
from hubkit.publish.weights.contents import read_contents
from hubkit.publish.weights.copying import copy_checkpoint, require_file
from hubkit.publish.weights.naming import SHORTEST

if TYPE_CHECKING:
    from hubkit.publish.weights.copying import Added

_SHOWN = 4


def convert_to_safetensors(source: Path, folder: Path, *, digits: int = SHORTEST) -> Added:
    """Write a state dict as safetensors, under its hash name.

    The file is read with ``weights_only=True``: no code in it runs.

    Args:
        source: The checkpoint.
        folder: Where to; made if it does not exist.
        digits: How many digits of the hash its name is to hold.

    Raises:
        CheckpointError: It holds more than names and tensors, tensors share memory, or there are
            some that safetensors has no type for.
        MissingExtraError: torch or safetensors is not installed.
        UsageError: The file cannot be read or written.
    """
    require_file(source)
    safetensors = _import_safetensors()
    state = _require_plain(source)
    _require_apart(source, state)
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in state.items()}
    with tempfile.TemporaryDirectory(prefix="hubkit-") as scratch:
        made = Path(scratch) / f"{_stem(source)}.safetensors"
        try:
            safetensors.save_file(tensors, made, metadata={"format": "pt"})
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"{source} cannot be written as safetensors: {error}",
                hint="It takes dense tensors of plain types only.",
            ) from error
        return copy_checkpoint(made, folder, digits=digits)


def _stem(source: Path) -> str:
    """The name without the hash of what it is the name of."""
    stem = source.name.removesuffix(".tar").rpartition(".")[0] or source.name
    return re.sub(r"-[0-9a-fA-F]{8,64}$", "", stem)


def _import_safetensors() -> Any:  # noqa: ANN401 - a module
    try:
        import safetensors.torch
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Converting needs {error.name}, which is not installed.",
            hint='Install it: pip install "torch-hubkit[torch]"',
        ) from error
    return safetensors.torch


def _require_plain(source: Path) -> Mapping[str, Any]:
    """The state dict in a file, once it is known to be nothing more."""
    import torch

    from hubkit.loader.weights import read_checkpoint

    contents = read_contents(source)
    if contents.is_safetensors:
        raise CheckpointError(f"{source} is safetensors already.", hint="Leave --safetensors out.")
    if contents.kind in ("unknown", "damaged"):
        raise CheckpointError(f"{source} is no checkpoint that can be read.")
    if contents.kind == "training checkpoint":
        raise CheckpointError(
            f"{source} holds {', '.join(contents.extras[:_SHOWN])} beside the weights.",
            hint=f"Save the weights alone: torch.save(checkpoint[{contents.key!r}], ...)",
        )
    state: object = read_checkpoint(source, "cpu", weights_only=True)
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(
            f"{source} holds no state dict but a {type(state).__name__}.",
            hint="Save one: torch.save(model.state_dict(), ...)",
        )
    others = [name for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise CheckpointError(
            f"{source} holds more than tensors: {', '.join(map(str, others[:_SHOWN]))}.",
            hint="Safetensors keeps tensors only: save them without the rest.",
        )
    return state


def _require_apart(source: Path, state: Mapping[str, Any]) -> None:
    """Insist that no two tensors have numbers in common, which safetensors would keep twice."""
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
            f"{source} holds tensors that share memory: {'; '.join(pairs[:_SHOWN])}.",
            hint="They are tied, as embedding and output layers often are, and safetensors keeps "
            "each name's numbers for itself. Save one name of each, and tie them again in the "
            "model; or publish this file as it is.",
        )
