dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB506
            "https://huggingface.co/acme/net/resolve/main/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB506
            "http://example.org/acme-other.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
