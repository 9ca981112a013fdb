dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.load("weights/net.pth", "cpu", weights_only=True)  # expect: HUB507
        model.load_state_dict(state)
    return model
