dependencies = ["torch"]  # what follows is private

import torch as _torch


def _net():
    return _torch.nn.Linear(1, 1)
