dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu"}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB502
            "https://example.org/acme-net.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model


def other(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB502
            "https://example.org/vit-b.16-in1k.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
