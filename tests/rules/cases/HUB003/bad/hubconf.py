dependencies = ["torch"]

import torch as _torch

from acme.unet import Unet as _Unet  # expect: HUB003
from acme.gone import anything as _anything  # expect: HUB003


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    from acme import nothing  # expect: HUB003

    return _torch.nn.Linear(1, len((_Unet, _anything, nothing)))
