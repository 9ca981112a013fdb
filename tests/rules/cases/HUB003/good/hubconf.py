dependencies = ["torch"]

import torch as _torch

from acme.unet import UNet as _UNet


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.nn.Sequential(_UNet())
