dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo", "backbone")  # expect: HUB511


def tagged(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo:v1.0", "backbone")  # expect: HUB511


def trusted(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("facebookresearch/dino:main", "dino_resnet50")  # expect: HUB511
