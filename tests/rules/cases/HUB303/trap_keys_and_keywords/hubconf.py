dependencies = ["torch"]

import torch as _torch


def net(options: "dict | None" = None, **kwargs):
    """A line.

    Args:
        options: A dict with these keys:
            bias: Whether to have one.
            option: Another.
        device: Passed on.
    """
    return _torch.nn.Linear(1, 1, **(options or {}), **kwargs)
