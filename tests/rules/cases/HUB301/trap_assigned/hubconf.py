dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    return _torch.nn.Linear(1, 1)


net.__doc__ = "A line; pretrained is not used yet."
