dependencies = ["torch"]

import torch as _torch


def net(pretrained=False, width=64):
    """A line.

    Parameters
    ----------
    pretrained, width : bool, int
        What they say.
    """
    return _torch.nn.Linear(width, 1)


def other(pretrained=False, *args, _internal=None, **kwargs):
    """A line.

    :param pretrained: load weights
    """
    return _torch.nn.Linear(*args, **kwargs)
