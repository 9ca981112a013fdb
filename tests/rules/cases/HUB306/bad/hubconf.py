dependencies = ["torch"]

import torch as _torch


def net39(pretrained: bool = False):
    """Net-68; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


def net68(pretrained: bool = False):  # expect: HUB306
    """Net-68; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
