dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo:v1.0", "backbone", trust_repo=True)
