dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, state: "dict | None" = None):
    """A line; pretrained is not used yet, state fills it."""
    model = _torch.nn.Linear(1, 1)
    model.load_state_dict(state or {}, strict=False)  # expect: HUB510
    return model
