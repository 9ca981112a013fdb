dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs: int):
    """A line; pretrained is not used yet, kwargs says how wide."""
    return _torch.nn.Linear(1, **kwargs)
