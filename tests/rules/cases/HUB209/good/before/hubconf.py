dependencies = ["torch"]

from torch import nn as _nn


def unet(pretrained: bool = False, in_channels: int = 3):
    """A net; pretrained is not used yet, in_channels neither."""
    return _nn.Linear(1, 1)


def old_unet():
    """The net of last year."""
    return _nn.Linear(1, 1)
