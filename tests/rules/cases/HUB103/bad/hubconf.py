dependencies = [
    "torch",
    "pyyaml",  # expect: HUB103
    "opencv-python",  # expect: HUB103
    "dora-search",  # expect: HUB103
    "some-thing",  # expect: HUB103
]

import cv2 as _cv2
import dora as _dora
import some_thing as _some_thing
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
