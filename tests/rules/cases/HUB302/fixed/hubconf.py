dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 64):  # expect: HUB302
    """A line; pretrained is not used yet.

    Args:
        width: Defaults to 64.
    """
    return _torch.nn.Linear(width, 1)
