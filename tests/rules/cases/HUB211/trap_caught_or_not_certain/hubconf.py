dependencies = ["torch"]

import os as _os

import torch as _torch


def net(kind="line", size=None):
    """A line; kind and size say which."""
    if kind not in ("line", "plane"):
        raise ValueError(kind)
    try:
        if size is None:
            raise KeyError("size")
    except KeyError:
        size = 1
    if not _os.path.exists(_os.path.join(_os.path.dirname(__file__), "net.cfg")):
        raise FileNotFoundError("net.cfg")
    return _torch.nn.Linear(size, 1)


def must(config=None, *, size):
    """A line of a size; config may say more."""
    assert config is not None
    return _torch.nn.Linear(size, 1)
