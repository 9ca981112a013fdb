dependencies = ["torch", "yaml", "PIL", "skimage"]

import PIL.Image as _Image
import skimage.io as _io
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
