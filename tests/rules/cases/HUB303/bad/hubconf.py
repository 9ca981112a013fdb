dependencies = ["torch"]

import torch as _torch


def net(weights: str = ""):  # expect: HUB302, HUB303
    """A line.

    Args:
        wieghts: File to load.
    """
    return _torch.nn.Linear(len(weights), 1)
