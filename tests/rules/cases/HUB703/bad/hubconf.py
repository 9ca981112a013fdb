dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, config: dict = {"sizes": "(1, 1)"}):
    """A line of the sizes in config; pretrained is not used yet."""
    return _torch.nn.Linear(*eval(config["sizes"]))  # expect: HUB703
