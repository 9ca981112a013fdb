dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 64):
    """A line.

    Args:
        pretrained: Not used yet.
        width: How wide.
    """
    return _torch.nn.Linear(width, 1)
