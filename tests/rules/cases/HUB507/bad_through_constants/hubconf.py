dependencies = ["torch"]

import os as _os
from pathlib import Path as _Path

import torch as _torch

_W = _Path("weights")
_V = _os.path.join(_os.getcwd(), "weights")


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.load(_W / "net.pth", map_location="cpu", weights_only=True))  # expect: HUB507
        model.load_state_dict(_torch.load(_Path.cwd() / "weights" / "net.pth", map_location="cpu", weights_only=True))  # expect: HUB507
        model.load_state_dict(_torch.load(_os.path.join(_V, "net.pth"), map_location="cpu", weights_only=True))  # expect: HUB507
        with (_W / "net.pth").open("rb") as file:  # expect: HUB507
            model.load_state_dict(_torch.load(file, map_location="cpu", weights_only=True))
        _one(model)
    return model


def _one(model):
    _two(model)


def _two(model):
    _three(model)


def _three(model):
    with open("weights/net.pth", "rb") as file:  # expect: HUB507
        model.load_state_dict(_torch.load(file, map_location="cpu", weights_only=True))
    model.load_state_dict(_torch.load(f=str(_W / "net.pth"), map_location="cpu", weights_only=True))  # expect: HUB507
