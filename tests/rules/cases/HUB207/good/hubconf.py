dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, log: bool = True):
    """A line; pretrained and log are not used yet."""
    return _torch.nn.Linear(1, 1)
