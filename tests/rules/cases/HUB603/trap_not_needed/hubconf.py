dependencies = ["torch"]

from pathlib import Path as _Path

import torch as _torch
from torch import nn as _nn


def unet():
    """A net."""
    model = _nn.Linear(1, 1)
    state = _torch.load(_Path(__file__).parent / "other.pth", weights_only=True, map_location="cpu")
    model.load_state_dict(state)
    return model
