dependencies = ["torch"]

import torch as _torch


def net(weights: str = ""):
    """A line.

    Args:
        weights: File to load.
    """
    return _torch.nn.Linear(len(weights), 1)
