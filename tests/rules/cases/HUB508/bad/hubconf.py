dependencies = ["torch"]

import torch as _torch

from acme import build as _build

_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained is not None:
        state = _torch.hub.load_state_dict_from_url(_URL, **_OPTIONS)  # expect: HUB508
        model.load_state_dict(state)
    return model


def other(pretrained: bool = True):
    """A network; pretrained loads weights."""
    return _build(pretrained)


def third(pretrained: bool = True):
    """A line; pretrained is not looked at."""
    model = _torch.nn.Linear(1, 1)
    model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))  # expect: HUB508
    return model
