dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, sizes: str = "(1, 1)"):
    """A line of these sizes; pretrained is not used yet."""
    return _torch.nn.Linear(*eval(sizes))  # expect: HUB703
