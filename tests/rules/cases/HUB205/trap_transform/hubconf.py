dependencies = ["torch"]

import torch as _torch


def transform(size: int = 224):
    """What images go through; size is their width."""
    return _torch.nn.Upsample(size)
