dependencies = ["torch"]

import torch as _torch

try:
    from acme.version import __version__ as _version
except ImportError:
    _version = "unknown"


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
