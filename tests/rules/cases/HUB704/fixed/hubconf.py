dependencies = ["torch", "yaml"]

import pickle as _pickle

import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _pickle.load(stream)  # expect: HUB704
        config = _yaml.safe_load(stream)  # expect: HUB704
    return _torch.nn.Linear(sizes, config)
