dependencies = ["torch"]

import torch as _torch


def detector(pretrained: bool = False):
    """A network and its helper; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1), len  # expect: HUB401
