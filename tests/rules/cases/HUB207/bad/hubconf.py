dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, verbose: bool = True):  # expect: HUB207
    """A line; pretrained and verbose are not used yet."""
    return _torch.nn.Linear(1, 1)


def other(model: str = "small"):  # expect: HUB207
    """A line; model is its size."""
    return _torch.nn.Linear(len(model), 1)
