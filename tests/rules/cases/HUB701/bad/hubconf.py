dependencies = ["torch"]

import urllib.request as _request

import torch as _torch

_LABELS = _request.urlopen("https://example.org/labels.txt").read()  # expect: HUB701


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
