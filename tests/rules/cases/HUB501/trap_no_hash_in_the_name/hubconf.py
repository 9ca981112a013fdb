dependencies = ["torch"]

import torch as _torch


_URL = "https://example.org/{}.pth"


def net(pretrained: bool = False, name: str = "small"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        for url in ("https://example.org/acme-net_2.pth", "https://example.org/net-20200101.pth"):
            model.load_state_dict(
                _torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
            )
        state = _torch.hub.load_state_dict_from_url(
            _URL.format(name), map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model
