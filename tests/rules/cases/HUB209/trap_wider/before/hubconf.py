dependencies = ["torch"]

from torch import nn as _nn


def unet(pretrained: bool = False, name: str = 'a'):
    """A net; pretrained is not used yet, name neither."""
    return _nn.Linear(1, 1)
