dependencies = ["torch", "timm", "apex", "yaml"]

import torch as _torch

try:
    import apex as _apex
except ImportError:
    _apex = None

from acme import WIDTH as _WIDTH


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    import timm

    return timm.create_model("resnet18", pretrained=pretrained)
