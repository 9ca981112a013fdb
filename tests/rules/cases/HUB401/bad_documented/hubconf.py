dependencies = ["torch"]

import torch as _torch


def net_and_sizes(pretrained: bool = False):
    """A line and its sizes, as a tuple; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1), (1, 1)  # expect: HUB401
