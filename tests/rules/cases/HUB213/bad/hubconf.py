dependencies = ["torch"]

import torch as _torch

__all__ = ["net", "net_small"]  # expect: HUB213


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
