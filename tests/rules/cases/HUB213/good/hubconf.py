dependencies = ["torch"]

import torch as _torch

__all__ = ["net"]


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
