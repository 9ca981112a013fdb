import numpy as np  # expect: HUB105
import torch
import torchvision


def net():
    """A line."""
    return torch.nn.Linear(1, int(np.ones(1)[0]))


def folded():
    """A line, folded."""
    import openfold  # expect: HUB105

    return torch.nn.Linear(1, 1)


def helper():
    import nobody_calls_this

    return torchvision
