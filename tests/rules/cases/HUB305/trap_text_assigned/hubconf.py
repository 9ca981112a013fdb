dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)
small.__doc__ = "A line of width 1; pretrained is not used yet, nor is another width."
