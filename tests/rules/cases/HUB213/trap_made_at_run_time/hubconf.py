dependencies = ["torch"]

import torch as _torch

__all__ = ["net", "net_small"]


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


globals()["net_small"] = net  # expect: HUB210
