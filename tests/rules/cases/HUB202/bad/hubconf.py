dependencies = ["torch"]

import torch as _torch

from acme_layers import *  # expect: HUB202


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
