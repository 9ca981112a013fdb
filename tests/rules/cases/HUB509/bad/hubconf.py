dependencies = ["torch", "torchvision"]

import torch as _torch

from acme_detector import Backbone as _Backbone
from acme_detector import encoder as _encoder


def detector(pretrained=False, name="resnet50"):
    """A detector over name; pretrained loads weights."""
    return _torch.nn.Sequential(_Backbone(name), _encoder("small", weights="imagenet"))  # expect: HUB509
