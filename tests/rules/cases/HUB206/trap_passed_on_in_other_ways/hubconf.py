dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, len(locals()))


def ignoring(pretrained: bool = False, **_kwargs):
    """A line; pretrained is not used yet, and other keywords are ignored on purpose."""
    return _torch.nn.Linear(1, 1)


def planned(pretrained: bool = False, **kwargs):
    """A line; pretrained is not used yet."""
    raise NotImplementedError  # expect: HUB211
