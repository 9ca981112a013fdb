dependencies = ["torch"]

import torch as _torch


import acme_train as _train


def net(pretrained: bool = False, path: str = "net.pth"):
    """A line; pretrained loads weights from path."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.load(path, "cpu", weights_only=True))
    return model
