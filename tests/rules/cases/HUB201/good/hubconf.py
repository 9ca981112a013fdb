dependencies = ["torch"]

from functools import partial as _partial

import torch as _torch

from unet_parts import UNet as _UNet


def unet(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _partial(_UNet)()
