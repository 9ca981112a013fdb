dependencies = "torch, timm==0.9, pyyaml"  # expect: HUB102

import timm as _timm
import torch as _torch
import yaml as _yaml


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return _timm.create_model(_yaml.safe_load("resnet18"))
