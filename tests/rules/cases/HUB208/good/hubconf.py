dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, device: str = "cpu"):
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
