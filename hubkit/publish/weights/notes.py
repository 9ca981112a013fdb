"""What whoever publishes a checkpoint should know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.rules.weights import is_allowed, is_harmful

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.publish.weights.contents import Contents

_SHOWN = 4


def find_notes(contents: Contents) -> Iterator[str]:
    """What is wrong with a checkpoint as something to publish, and what to do about it.

    Args:
        contents: What it holds.
    """
    harmful = sorted(name for name in contents.names if is_harmful(name))
    if harmful:
        yield (
            f"Loading it without weights_only runs {quoted(harmful, most=_SHOWN)}: find out where it comes from "
            "before you publish it."
        )
    yield from _kind(contents)
    unsafe = sorted(name for name in contents.names if not is_allowed(name))
    if unsafe and not harmful and contents.kind != "model":
        yield (
            f"weights_only=True, torch's default, refuses it for {quoted(unsafe, most=_SHOWN)}: save tensors and "
            "plain containers only."
        )
    if any(device != "cpu" for device in contents.devices):
        where = ", ".join(sorted(contents.devices - {"cpu"}))
        yield f'It was saved from {where}: without map_location="cpu" it loads only where that is.'
    if contents.prefix:
        yield (
            f"All names start with `{contents.prefix}`, from DataParallel: save "
            "`model.module.state_dict()`, or users must strip it."
        )


def _kind(contents: Contents) -> Iterator[str]:
    if contents.kind == "model":
        yield (
            f"A whole model was pickled ({contents.model}): it loads only where that very class can "
            "be imported, and weights_only=True refuses it. Publish its state dict: "
            "`torch.save(model.state_dict(), ...)`."
        )
    elif contents.kind == "training checkpoint":
        share = contents.extra_elements / (contents.elements + contents.extra_elements or 1)
        size = f", which is {share:.0%} of its numbers" if share >= 0.01 else ""
        yield (
            f"A checkpoint of a training run: beside the weights in {contents.key!r} it holds "
            f"{quoted(contents.extras, most=_SHOWN)}{size}. Publish the weights alone: "
            f"`torch.save(checkpoint[{contents.key!r}], ...)`."
        )
    elif contents.kind == "script":
        yield "TorchScript: load it with torch.jit.load; load_state_dict_from_url does not."
    elif contents.kind == "other":
        yield "It holds no plain state dict, which is what load_state_dict takes."
    elif contents.kind == "unknown":
        yield "It is no checkpoint that torch.load or safetensors reads."
