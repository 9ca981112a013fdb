import torch

from utils import WIDTH  # expect: HUB006


def unet(pretrained=False):
    """A network; pretrained is not used yet."""
    return torch.nn.Linear(WIDTH, 1)
