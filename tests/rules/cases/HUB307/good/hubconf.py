dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet.

    >>> model = torch.hub.load("acme/net:v1.0", "net")
    >>> for parameter in model.parameters():
    ...     print(parameter)
    """
    return _torch.nn.Linear(1, 1)
