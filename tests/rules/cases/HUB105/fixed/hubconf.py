dependencies = ["torch", "timm", "yaml", "einops"]

import timm as _timm  # expect: HUB105
import torch as _torch

from acme import head as _head


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    import yaml  # expect: HUB105

    return _torch.nn.Linear(len(yaml.__version__), 1)
