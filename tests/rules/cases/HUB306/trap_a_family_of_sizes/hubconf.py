dependencies = ["torch"]

import torch as _torch


def net18(pretrained: bool = False):
    """Net18 from the paper; pretrained is not used yet."""
    return _torch.nn.Linear(18, 1)


def net34(pretrained: bool = False):
    """Net34 from the paper; pretrained is not used yet. Twice as deep as net18."""
    return _torch.nn.Linear(34, 1)
