dependencies = ["torch"]

import torch as _torch


def _fetch(url, **options):
    return _torch.hub.load_state_dict_from_url(url, **options)


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/net-0123abcd.pth"
        state = _fetch(url, map_location="cpu", check_hash=True, weights_only=True)
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            url, None, "cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
