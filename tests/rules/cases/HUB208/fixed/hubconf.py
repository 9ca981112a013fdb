dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, device: str = "cpu"):  # expect: HUB208
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
