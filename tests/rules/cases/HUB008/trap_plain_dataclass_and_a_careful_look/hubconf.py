dependencies = ["torch"]

import sys as _sys
from dataclasses import dataclass as _dataclass

import torch as _torch

_SELF = _sys.modules.get(__name__)


@_dataclass
class _Options:
    width: int = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
