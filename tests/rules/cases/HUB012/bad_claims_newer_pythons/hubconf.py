dependencies = ["torch"]

import cgi as _cgi
import imp as _imp  # expect: HUB012

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
