dependencies = ["torch"]

import torch as _torch


class Net(_torch.nn.Module):  # expect: HUB203, HUB402
    """A network; width says how wide."""

    def __init__(self, width: int = 1):
        super().__init__()


async def line(pretrained: bool = False):  # expect: HUB203
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


relu = _torch.nn.ReLU()  # expect: HUB203
