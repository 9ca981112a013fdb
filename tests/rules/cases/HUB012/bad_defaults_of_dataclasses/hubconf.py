dependencies = ["torch"]

import torch as _torch

from acme_nets import Options as _Options


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_Options().width, 1)
