dependencies = ["torch"]

import os as _os
import sys as _sys

import torch as _torch

_sys.path.insert(0, _os.path.join(_os.path.dirname(__file__), "source"))
try:
    from acme_parts import WIDTH as _WIDTH
finally:
    _sys.path.remove(_os.path.join(_os.path.dirname(__file__), "source"))


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_WIDTH, 1)
