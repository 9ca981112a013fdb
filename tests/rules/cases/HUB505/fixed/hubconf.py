dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB505
            "https://example.org/net-0123abcd.pth", map_location="cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
