"""Level 3: pretrained weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hubkit.torchhub import SHORTEST_HASH, hash_in_name
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    UndeclaredError,
    check,
)
from pytest_hubkit.weights import find_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.weights import Pretrained

_LOADS = ("C101", "C106")


@check("C305", "pretrained-loads", level=3, requires=_LOADS)
def pretrained_loads(context: CaseContext) -> Iterator[Failure]:
    """The model can be loaded with its weights.

    A URL that no longer works, or a renamed key, is easy to miss. With ``--hubconf-network=cache``,
    weights come from ``--hubconf-weights`` or the hub dir; with ``allow``, they are downloaded. By
    default, this check is skipped.

    Fix the URL, or the names in the state dict.
    """
    _ = _require(context)
    yield from ()


@check("C306", "offline-reload", level=3, requires=(*_LOADS, "C305"))
def offline_reload(context: CaseContext) -> Iterator[Failure]:
    """Loading the weights again needs no network.

    Nodes of a cluster often share the cache and have no network. Code that looks for a newer
    version each time, or does not cache, fails there.

    Download with ``load_state_dict_from_url``, which looks in the hub dir first.
    """
    again = _require(context).again
    if again is not None:
        yield again


@check("C307", "weights-identity", level=3, requires=(*_LOADS, "C305"))
def weights_identity(context: CaseContext) -> Iterator[Failure]:
    """The weights are the published ones, and safe to load.

    The file's sha256 and size must match the configuration and the hash in the file name. The file
    must load with ``weights_only=True``, and the model must have the same parameters with and
    without weights.

    Fix ``weights`` in the configuration, or publish the right file.
    """
    pretrained, declared = _require(context), context.case.config.weights
    for path in pretrained.checkpoints:
        yield from _check_file(context, path)
        yield from _check_globals(context, path)
    if declared and declared.params is not None and pretrained.params != declared.params:
        yield Failure(
            f"{context.label} has {pretrained.params} parameters, but {declared.params} are declared.",
            fix=f"Fix `weights` in {context.case.place}.",
            location=context.location,
        )
    here, untrained = pretrained.shapes, find_shapes(context.module.state_dict())
    pairs = [(key, here.get(key, "absent"), untrained.get(key, "absent"))
             for key in dict.fromkeys((*here, *untrained))]  # fmt: skip
    changed = [(key, one, other) for key, one, other in pairs
               if one != other and None not in (one, other)]  # fmt: skip
    if changed and not context.case.needs_weights:
        key, one, other = changed[0]
        yield Failure(
            f"{context.label} has different parameters with and without its weights.",
            ((f"{len(changed)} entries of the state dict differ, such as {key}: "
             f"{one} with weights, {other} without"),),
            "Build the same modules in both cases.",
            context.location,
        )  # fmt: skip


def _require(context: CaseContext) -> Pretrained:
    """The model with its weights, if the options allow it and it is known how to load them."""
    declared = context.case.config.weights is not None or context.case.needs_weights
    if not context.case.has_weights(context.function):
        raise NotApplicableError("it has no weights")
    if context.case.trained_arguments(context.function) is None:
        raise UndeclaredError(
            "it is not known how to load it with weights: declare `trained`, or `trained = false` if "
            f"it has none, in {context.case.place}"
        )
    if context.session.options.network == "deny":
        reason = "the network is denied: run with --hubconf-network=cache or allow"
        # Declared weights are required for level 3.
        raise UndeclaredError(reason) if declared else NotApplicableError(reason)
    return context.pretrained


def _check_file(context: CaseContext, path: Path) -> Iterator[Failure]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    declared = context.case.config.weights
    named = hash_in_name(path.name) or ""
    wanted = [
        (declared.sha256 if declared else "", f"`weights.sha256` in {context.case.place}"),
        (named if len(named) >= SHORTEST_HASH else "", "the file name"),
    ]
    for prefix, where in wanted:
        if prefix and not digest.startswith(prefix.lower()):
            yield Failure(
                f"The weights of {context.label} do not match their hash.",
                (f"{path.name} has sha256 {digest}", f"{where} has {prefix}"),
                "Delete the cached file if it is outdated; otherwise fix the declaration, or upload the "
                "file again.",
                context.location,
            )
    size = path.stat().st_size
    if declared and declared.bytes is not None and size != declared.bytes:
        yield Failure(
            f"The weights of {context.label} do not have the declared size.",
            (f"{path.name} has {size} bytes, not {declared.bytes}",),
            f"Fix `weights.bytes` in {context.case.place}.",
            context.location,
        )


def _check_globals(context: CaseContext, path: Path) -> Iterator[Failure]:
    import torch

    declared = context.case.config.weights
    finder = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    if finder is None:
        return
    try:
        found = set(finder(path)) - set(declared.unsafe if declared else ())
    except Exception:  # noqa: BLE001 - safetensors, TorchScript, and files from before torch 1.6
        return
    if found:
        yield Failure(
            f"Loading the weights of {context.label} can run code, so torch.load refuses them.",
            (f"{path.name} needs {', '.join(sorted(found)[:4])}",),
            "Save a state dict of tensors, or declare `weights.unsafe`.",
            context.location,
        )
