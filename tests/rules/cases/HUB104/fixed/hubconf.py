dependencies = [
    "torch",  # expect: HUB104
    "timm",  # expect: HUB104
    "hydra",  # expect: HUB104
    "numpy",  # expect: HUB104
    "git+https://example.org/thing",  # expect: HUB104
]

import hydra as _hydra
import numpy as _np
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
