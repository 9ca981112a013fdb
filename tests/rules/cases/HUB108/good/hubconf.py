dependencies = ["torch", "timm"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    import timm

    return timm.create_model("resnet18", pretrained=pretrained)
