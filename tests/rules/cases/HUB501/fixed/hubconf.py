dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            "https://example.org/net-0123abcd.pth", map_location="cpu", weights_only=True, check_hash=True
        )
        model.load_state_dict(state)
    return model
