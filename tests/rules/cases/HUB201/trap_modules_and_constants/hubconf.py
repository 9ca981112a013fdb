dependencies = ["torch", "PIL"]

import PIL.Image as Image
import torch
from torch import nn, optim
from torchvision_like import MODEL_URLS, presets

SIZES = {"small": 1}
DEFAULT = SIZES["small"]


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return nn.Linear(DEFAULT, len(MODEL_URLS))
