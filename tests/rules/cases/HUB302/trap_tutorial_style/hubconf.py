dependencies = ["torch"]

import torch as _torch


def net(pretrained=False, width=64):
    """# This is the network of the paper.

    pretrained (bool): load weights
    width - how wide the first layer is
    """
    return _torch.nn.Linear(width, 1)
