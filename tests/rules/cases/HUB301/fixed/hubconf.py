dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB301
    """Build `net`.

    Args:
        pretrained: Load trained weights. Defaults to False.
    """
    return _torch.nn.Linear(1, 1)
