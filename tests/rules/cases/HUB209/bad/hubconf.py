dependencies = ["torch"]  # expect: HUB209

from torch import nn as _nn


def unet(in_channels: int, pretrained: bool = True):  # expect: HUB209, HUB209, HUB209
    """A net; pretrained is not used yet, in_channels neither."""
    return _nn.Linear(1, 1)
