dependencies = ["torch"]

import os as _os

import torch as _torch

_os.environ.setdefault("ACME_CACHE", "1")
_CACHE = _os.environ.get("ACME_CACHE")


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
