dependencies = ["torch"]

import torch as _torch

from acme import WIDTH as _WIDTH  # expect: HUB004


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
