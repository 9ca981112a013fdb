dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False, large: bool = False):
    """A line; pretrained loads weights, large ones if so said."""
    model = _torch.nn.Linear(1, 1)
    if pretrained and large:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/large/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    elif pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://example.org/small/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model


def other(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://example.org/model.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
