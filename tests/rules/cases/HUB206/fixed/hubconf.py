dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB206
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
