dependencies = ["torch", "timm", "torchvision", "xformers"]

import importlib as _importlib

import timm as _timm

_xformers = _importlib.import_module("xformers.ops")


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _timm.create_model("resnet18", pretrained=pretrained)
