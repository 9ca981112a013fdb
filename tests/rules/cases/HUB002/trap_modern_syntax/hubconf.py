dependencies = ["torch"]

import torch as _torch


def net(name: str = "small", /, *, pretrained: bool = False):
    """A line; name says which size, pretrained is not used yet."""
    match name:
        case "small":
            width = 1
        case _:
            width = 2
    if (doubled := width * 2) > 2:
        width = doubled
    return _torch.nn.Linear(width, 1)
