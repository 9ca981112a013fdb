dependencies = ["torch", "hubkit"]

import hubkit as _hubkit
import torch as _torch

_SAFE = True


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/net-0123abcd.pth"
        state = _hubkit.load_state_dict_from_url(url, map_location="cpu", check_hash=True)
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=_SAFE
        )
        model.load_state_dict(state)
    return model
