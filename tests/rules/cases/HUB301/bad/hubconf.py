dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB301
    return _torch.nn.Linear(1, 1)
