dependencies = ["torch"]

import torch as _torch
import os as _os


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.load(_os.path.join(_os.path.dirname(__file__), "weights/net.pth"), weights_only=True)  # expect: HUB507
        model.load_state_dict(state)
    return model
