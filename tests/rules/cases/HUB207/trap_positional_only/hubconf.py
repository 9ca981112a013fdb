dependencies = ["torch"]

import torch as _torch


def net(model: str = "small", /, pretrained: bool = False):
    """A line; model is its size, pretrained is not used yet."""
    return _torch.nn.Linear(len(model), 1)
