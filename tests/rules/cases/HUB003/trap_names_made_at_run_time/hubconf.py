dependencies = ["torch"]

import torch as _torch

from acme.lazy import anything as _anything
from acme.made import small as _small
from acme.starred import relu as _relu


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
