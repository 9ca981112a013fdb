dependencies = ["torch"]

from torch import nn as _nn


def unet(pretrained: bool = False, in_channels: int = 3):
    """A net; pretrained is not used yet, in_channels neither."""
    return _nn.Linear(1, 1)


for _name in dir(_nn):
    globals()[_name + "_unet"] = unet  # expect: HUB209, HUB210
