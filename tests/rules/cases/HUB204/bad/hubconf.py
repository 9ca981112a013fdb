dependencies = ["torch"]

import torch as _torch


def net(width: int):  # expect: HUB204
    """A line; width says how wide."""
    return _torch.nn.Linear(width, 1)
