dependencies = ["torch"]

import os

from torch import nn as _nn

_HERE = os.path.dirname(os.path.abspath(__file__))


def unet():
    """A net."""
    with open(os.path.join(_HERE, "labels.txt")) as file:  # expect: HUB601
        labels = file.readlines()
    return _nn.Linear(1, len(labels))
