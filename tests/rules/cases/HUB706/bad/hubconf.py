dependencies = ["torch"]

import os as _os
import warnings as _warnings

import torch as _torch

_warnings.filterwarnings("ignore")  # expect: HUB706
_os.environ["OMP_NUM_THREADS"] = "1"  # expect: HUB706
print("loading")  # expect: HUB706


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
