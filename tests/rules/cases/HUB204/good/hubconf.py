dependencies = ["torch"]

import torch as _torch


def net(width: int = 1, *sizes: int, **options: bool):
    """A line; width says how wide, more sizes and options go to the layer."""
    return _torch.nn.Linear(width, *sizes, **options)
