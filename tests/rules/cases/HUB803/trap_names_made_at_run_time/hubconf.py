dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, width: int = 1):
    """A line as wide as width; pretrained is not used yet."""
    return _torch.nn.Linear(width, 1)


for _name in dir(_torch.nn):
    globals()[_name] = net  # expect: HUB210
