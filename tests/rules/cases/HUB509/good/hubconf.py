dependencies = ["torch", "torchvision"]

import torchvision as _torchvision


def detector(pretrained=False, pretrained_backbone=False):
    """A detector; pretrained loads weights, pretrained_backbone those of the backbone."""
    return _torchvision.models.resnet50(pretrained=pretrained_backbone and not pretrained)
