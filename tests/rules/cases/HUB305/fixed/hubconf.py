dependencies = ["torch"]

import functools as _functools

import torch as _torch


def _net(pretrained: bool = False, width: int = 1):
    return _torch.nn.Linear(width, 1)


small = _functools.partial(_net, width=1)  # expect: HUB305
small.__doc__ = """Build `small`.

Args:
    pretrained: Load trained weights. Defaults to False.
    width: Defaults to 1.
"""
def large(pretrained=False):
    """Build `large`.

    Args:
        pretrained: Load trained weights. Defaults to False.
    """
    return _net(pretrained, width=2)  # expect: HUB305
