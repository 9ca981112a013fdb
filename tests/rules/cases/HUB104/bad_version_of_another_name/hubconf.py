dependencies = [
    "torch>=2.0",  # expect: HUB104
    "PyYAML==6.0",  # expect: HUB104
    "timm",
]

import timm as _timm
import torch as _torch
import yaml as _yaml


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return _timm.create_model(_yaml.safe_load("resnet18"))
