dependencies = ["torch"]

import typing as _typing

import torch as _torch

if _typing.TYPE_CHECKING:
    import numpy as _np


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
