dependencies = ["torch", "paddle"]

import paddle as _paddle
import torch as _torch


def net():
    """A line, converted from paddle's."""
    return _torch.nn.Linear(1, len(_paddle.__version__))
