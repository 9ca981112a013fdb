dependencies = ["torch", "math"]  # hubkit: ignore[HUB107] shows where it is from

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
