dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)  # expect: HUB305
large = lambda pretrained=False: _net(pretrained, width=2)  # expect: HUB305
