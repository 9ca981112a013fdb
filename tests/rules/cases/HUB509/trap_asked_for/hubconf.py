dependencies = ["torch", "torchvision"]

import torch as _torch
import torchvision as _torchvision


def detector(pretrained=False):
    """A detector; pretrained loads weights."""
    if pretrained:
        return _finish(_torchvision.models.resnet50(pretrained=True))  # expect: HUB205
    model = _torchvision.models.resnet50(pretrained=False)
    _torch.bincount(_torch.ones(1), weights="no_weights_at_all")
    return _finish(model)


def ready():
    """The detector with its weights."""
    return detector(pretrained=True)


def _finish(model):
    return model.eval()
