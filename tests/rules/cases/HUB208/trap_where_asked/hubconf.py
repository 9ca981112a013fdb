dependencies = ["torch"]

import torch as _torch

from acme_parts import Net as _Net
from acme_parts import find_device as _find_device


def net(pretrained: bool = False, device: str = "cuda"):
    """A line on device; pretrained is not used yet."""
    if not _torch.cuda.is_available():
        device = "cpu"
    return _Net().to(device)


def quick(pretrained: bool = False, gpu: bool = False):
    """A line on gpu; pretrained is not used yet."""
    model = _Net()
    if gpu:
        model = model.cuda()
    try:
        model = model.to("cuda")
    except RuntimeError:
        pass
    return model.to(_find_device())


def fast(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _Net().cuda() if _torch.cuda.is_available() else _Net()
