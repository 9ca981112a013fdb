dependencies = ["torch", "yaml"]

import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _yaml.safe_load(stream)
    return _torch.nn.Linear(sizes, 1)
