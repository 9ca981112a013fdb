dependencies = ["torch"]

import torch as _torch


import os as _os

_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def early(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if not pretrained:
        return model
    model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model


def chosen(weights: "str | None" = None):
    """A line; weights names what to load."""
    model = _torch.nn.Linear(1, 1)
    if weights is not None:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(weights, **_OPTIONS))
    return model


def named(pretrained: str = "imagenet"):
    """A line; pretrained names the data set, or is None."""
    model = _torch.nn.Linear(1, 1)
    if pretrained is not None:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model


def looked(pretrained: bool = False, path: str = "acme-net.pth"):
    """A line; pretrained loads weights, from path if they are there."""
    model = _torch.nn.Linear(1, 1)
    url = _URL if pretrained else None
    if url and not _os.path.exists(path):
        model.load_state_dict(_torch.hub.load_state_dict_from_url(url, **_OPTIONS))
    return model


def later(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)

    def load():
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))

    return (pretrained and load()) or model
