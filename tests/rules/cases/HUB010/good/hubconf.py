dependencies = ["torch"]

import torch as _torch


def net():
    """A line."""
    return _torch.nn.Linear(1, 1)
