"""Input guessed from the first layer of a model: better than none, and marked as a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.inputs import Inputs, make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

# Large enough for five halvings; and what most classifiers were made for.
_IMAGES = (64, 224)


def guess_inputs(model: torch.nn.Module, sizes: Mapping[str, int | str]) -> Iterator[Inputs]:
    """Inputs that the model may well take, the likeliest first.

    Args:
        model: The model.
        sizes: Sizes that are declared for named axes.
    """
    for name, layer in model.named_modules():
        texts = _texts(layer)
        if not texts:
            continue
        kind = type(layer).__name__
        for text in texts:
            where = f"{text}, guessed from the first layer, {name or 'the model itself'} ({kind})"
            yield make_inputs(text, sizes, where, provisional=True)
        return


def _texts(layer: torch.nn.Module) -> tuple[str, ...]:
    from torch import nn

    if isinstance(layer, nn.Embedding):
        return (f"i64[B,T] < {layer.num_embeddings}",)
    if isinstance(layer, nn.Linear):
        features = layer.in_features
        return (f"f32[B,{features}]", f"f32[B,T,{features}]")
    if isinstance(layer, nn.Conv1d):
        return tuple(f"f32[B,{layer.in_channels},{size}]" for size in (4096, 16000))
    if isinstance(layer, nn.Conv2d):
        return tuple(f"f32[B,{layer.in_channels},{size},{size}]" for size in _IMAGES)
    if isinstance(layer, nn.Conv3d):
        return (f"f32[B,{layer.in_channels},8,64,64]",)
    if isinstance(layer, nn.RNNBase):
        axes = "B,T" if layer.batch_first else "T,B"
        return (f"f32[{axes},{layer.input_size}]",)
    return ()
