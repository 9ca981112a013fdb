dependencies = ["torch"]

import torch as _torch


class _Net(_torch.nn.Module):  # expect: HUB402
    """A network."""


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _Net()
