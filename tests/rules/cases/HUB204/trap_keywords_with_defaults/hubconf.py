dependencies = ["torch"]

import torch as _torch


def net(*shape, pretrained: bool = False, **options):
    """A line; pretrained is not used yet, shape and options are the layer's."""
    return _torch.nn.Linear(*(shape or (1, 1)), **options)
