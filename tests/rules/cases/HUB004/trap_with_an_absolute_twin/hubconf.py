dependencies = ["torch"]

import torch as _torch

try:
    from .acme import WIDTH as _WIDTH
except ImportError:
    from acme import WIDTH as _WIDTH


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
