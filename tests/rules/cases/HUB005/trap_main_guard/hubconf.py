dependencies = ["torch"]

import sys as _sys

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

if __name__ == "__main__":
    _sys.path.insert(0, ".")
