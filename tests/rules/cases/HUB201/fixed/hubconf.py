dependencies = ["torch"]

from functools import partial as _partial  # expect: HUB201

import torch as _torch
from torch.hub import load_state_dict_from_url as _load_state_dict_from_url  # expect: HUB201

from unet_parts import UNet as _UNet  # expect: HUB201


def unet(pretrained: bool = False):
    """A network; pretrained loads weights."""
    model = _partial(_UNet, 1)()
    if pretrained:
        state = _load_state_dict_from_url(
            "https://example.org/unet-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
