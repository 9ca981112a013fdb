dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    options = locals()
    options["pretrained"] = True
    return _torch.nn.Linear(len(options), len(globals().get("_WIDTHS", (1,))))
