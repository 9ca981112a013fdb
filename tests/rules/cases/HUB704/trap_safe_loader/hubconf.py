dependencies = ["torch", "yaml", "numpy"]

import numpy as _np
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _yaml.load(stream, Loader=_yaml.SafeLoader)
    return _torch.nn.Linear(sizes, _np.load(path))
