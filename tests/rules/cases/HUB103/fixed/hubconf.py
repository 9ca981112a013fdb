dependencies = [
    "torch",
    "yaml",  # expect: HUB103
    "cv2",  # expect: HUB103
    "dora",  # expect: HUB103
    "some_thing",  # expect: HUB103
]

import cv2 as _cv2
import dora as _dora
import some_thing as _some_thing
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
