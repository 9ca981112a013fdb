dependencies = ["torch"]

from pathlib import Path as _Path

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.load(_Path(__file__).parent / "weights" / "net.pth", map_location="cpu", weights_only=True)
        model.load_state_dict(state)
    return model
