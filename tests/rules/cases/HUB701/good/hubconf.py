dependencies = ["torch"]

import urllib.request as _request

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    labels = _request.urlopen("https://example.org/labels.txt").read()
    return _torch.nn.Linear(1, len(labels))
