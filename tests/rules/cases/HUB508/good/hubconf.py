dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model
