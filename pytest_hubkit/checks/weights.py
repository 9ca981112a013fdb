"""Level 3: the weights that users get."""

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
    """The model loads with its weights.

    That is what nearly every user does, and what nobody notices when a URL dies or a key is
    renamed. With ``--hubconf-network=cache`` weights come from ``--hubconf-weights`` or the hub
    dir, with ``allow`` they are downloaded; by default this is skipped.

    Correct the URL, or the names in the state dict.
    """
    _ = _require(context)
    yield from ()


@check("C306", "offline-reload", level=3, requires=(*_LOADS, "C305"))
def offline_reload(context: CaseContext) -> Iterator[Failure]:
    """Once the weights are there, loading them again needs no network.

    Nodes of a cluster have the cache and not the network. Code that asks for the newest version
    each time, or caches nothing, fails there.

    Download by ``load_state_dict_from_url``, which looks into the hub dir first.
    """
    again = _require(context).again
    if again is not None:
        yield again


@check("C307", "weights-identity", level=3, requires=(*_LOADS, "C305"))
def weights_identity(context: CaseContext) -> Iterator[Failure]:
    """The weights are the ones that were published, and safe to read.

    The file's sha256 and size are compared with what the configuration and the file's own name
    say; the file must be readable with ``weights_only=True``; and the model must have the same
    parameters with weights as without.

    Correct ``weights`` in the configuration, or publish the right file.
    """
    trained, declared = _require(context), context.case.config.weights
    for path in trained.checkpoints:
        yield from _judge_file(context, path)
        yield from _judge_globals(context, path)
    if declared and declared.params is not None and trained.params != declared.params:
        yield Failure(
            f"{context.label} has {trained.params} parameters, and {declared.params} are declared.",
            fix=f"Correct `weights` in {context.case.place}.",
            location=context.location,
        )
    here, untrained = trained.shapes, find_shapes(context.module.state_dict())
    pairs = [(key, here.get(key, "absent"), untrained.get(key, "absent"))
             for key in dict.fromkeys((*here, *untrained))]  # fmt: skip
    changed = [(key, one, other) for key, one, other in pairs
               if one != other and None not in (one, other)]  # fmt: skip
    if changed and not context.case.needs_weights:
        key, one, other = changed[0]
        yield Failure(
            f"{context.label} is another model with its weights than without.",
            ((f"{len(changed)} entries of the state dict differ, such as {key}: "
             f"{one}, without weights {other}"),),
            "Build the same modules in both cases.",
            context.location,
        )  # fmt: skip


def _require(context: CaseContext) -> Pretrained:
    """The model with its weights, if the policy allows and anything tells how to ask for them."""
    declared = context.case.config.weights is not None or context.case.needs_weights
    arguments = context.case.pretrained_arguments(context.function)
    if arguments is None:
        what = "how weights are asked for is not known"
        reason = f"{what}: declare `weights.call` in {context.case.place}"
        raise UndeclaredError(reason) if declared else NotApplicableError(reason)
    if context.session.options.network == "deny":
        reason = "the network is denied: run with --hubconf-network=cache or allow"
        # Who declares weights promises them; level 3 is not reached before they were seen.
        raise UndeclaredError(reason) if declared else NotApplicableError(reason)
    return context.pretrained


def _judge_file(context: CaseContext, path: Path) -> Iterator[Failure]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    declared = context.case.config.weights
    named = hash_in_name(path.name) or ""
    wanted = [
        (declared.sha256 if declared else "", f"`weights.sha256` in {context.case.place}"),
        (named if len(named) >= SHORTEST_HASH else "", "the file's own name"),
    ]
    for prefix, where in wanted:
        if prefix and not digest.startswith(prefix.lower()):
            yield Failure(
                f"The weights of {context.label} are not the ones that were published.",
                (f"{path.name} has sha256 {digest}", f"{where} says {prefix}"),
                "Is the cached file an old one? Else correct what is declared, or the upload.",
                context.location,
            )
    size = path.stat().st_size
    if declared and declared.bytes is not None and size != declared.bytes:
        yield Failure(
            f"The weights of {context.label} have another size than is declared.",
            (f"{path.name} has {size} bytes, {declared.bytes} are declared",),
            f"Correct `weights.bytes` in {context.case.place}.",
            context.location,
        )


def _judge_globals(context: CaseContext, path: Path) -> Iterator[Failure]:
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
            f"Reading the weights of {context.label} runs code: torch.load refuses them by default.",
            (f"{path.name} needs {', '.join(sorted(found)[:4])}",),
            "Save a state dict of tensors, or declare `weights.unsafe`.",
            context.location,
        )
