dependencies = ["torch"]  # hubkit: ignore[HUB5O1] mirrored  # expect: HUB902

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
