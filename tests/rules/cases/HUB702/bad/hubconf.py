dependencies = ["torch"]

import os as _os
import subprocess as _subprocess

import torch as _torch


def _install():
    _subprocess.check_call(["pip", "install", "timm"])  # expect: HUB702


_install()


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    _os.system("nvidia-smi")  # expect: HUB702
    return _torch.nn.Linear(1, 1)
