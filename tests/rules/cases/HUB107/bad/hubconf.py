dependencies = [
    "torch",
    "math",  # expect: HUB107
    "torch",  # expect: HUB107
    "acme",  # expect: HUB107
]

import torch as _torch

import acme as _acme


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
