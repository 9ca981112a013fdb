dependencies = ["torch"]

import os as _os
import sys as _sys

import torch as _torch

_sys.path.insert(0, _os.path.join(_os.path.dirname(__file__), "src"))  # expect: HUB005
import acme_tools as _helpers


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
