dependencies = ["torch"]

import torch as _torch

from zoo import build as _build


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _build(pretrained)


def loss():
    """A loss is a module too."""
    return _torch.nn.CrossEntropyLoss()
