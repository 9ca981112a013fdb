from __future__ import annotations as _annotations

dependencies = ["torch"]

import sys as _sys
from dataclasses import dataclass as _dataclass

import torch as _torch

_SELF = _sys.modules[__name__]  # expect: HUB008


@_dataclass
class _Options:  # expect: HUB008
    width: int = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
