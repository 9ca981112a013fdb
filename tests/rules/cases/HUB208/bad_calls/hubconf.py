dependencies = ["torch"]

import torch as _torch

from acme_parts import crops


def net(pretrained: bool = False):
    """A line; pretrained is used below."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model = _torch.nn.DataParallel(model).cuda()  # expect: HUB208
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/acme-net.pth", map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model


def placed(where: str = "cuda:0"):  # expect: HUB208
    """A line on where, on which the network is put."""
    return _torch.nn.Linear(1, 1).to(where)


__all__ = ["crops", "net", "placed"]
