dependencies = ["torch", "timm", "yaml"]  # expect: HUB109

import timm as _timm
import yaml as _yaml


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _timm.create_model(_yaml.safe_load("resnet18"))
