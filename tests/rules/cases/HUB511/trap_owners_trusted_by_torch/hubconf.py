dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("facebookresearch/dino:v1.0", "dino_resnet50")


def local(pretrained: bool = False, folder: str = "."):
    """A network from a folder; pretrained is not used yet."""
    return _torch.hub.load(folder, "net", source="local")
