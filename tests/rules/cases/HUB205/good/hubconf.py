dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = True):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
