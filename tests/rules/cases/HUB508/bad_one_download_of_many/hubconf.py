dependencies = ["torch"]

import torch as _torch


def small(pretrained=False):
    """A small line; pretrained is not looked at."""
    return _line(1)


def large(pretrained=False):
    """A large line; pretrained is not looked at."""
    return _line(2)


def _line(width):
    model = _torch.nn.Linear(width, 1)
    model.load_state_dict(
        _torch.hub.load_state_dict_from_url(  # expect: HUB508
            "https://example.org/line.pth", map_location="cpu", weights_only=True
        )
    )
    return model
