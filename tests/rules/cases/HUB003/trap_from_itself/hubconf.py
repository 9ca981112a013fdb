dependencies = ["torch"]

import torch as _torch

from acme.sizes import WIDTH as _WIDTH


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_WIDTH, 1)
