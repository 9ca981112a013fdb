dependencies = ["torch", "timm", "yaml"]

import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    import yaml

    return _torch.nn.Linear(len(yaml.__version__), 1)
