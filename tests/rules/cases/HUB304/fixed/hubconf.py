dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB304
    """A line; pretrained is not used yet.
    """
    return _torch.nn.Linear(1, 1)


def other(pretrained: bool = False):  # expect: HUB304
    """A line. TODO: tell about pretrained."""
    return _torch.nn.Linear(1, 1)


def third(pretrained: bool = False):  # expect: HUB304
    """_summary_

    Args:
        pretrained: _description_
    """
    return _torch.nn.Linear(1, 1)
