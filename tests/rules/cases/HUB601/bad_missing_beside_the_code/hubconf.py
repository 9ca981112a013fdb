dependencies = ["torch"]

import json as _json
import os as _os
from pathlib import Path as _Path

import torch as _torch

_HERE = _Path(__file__).parent


def net(pretrained: bool = False, size: str = "small"):
    """A line of a size; pretrained loads weights."""
    folder = _os.path.dirname(_os.path.realpath(__file__))
    with open(_os.path.join(folder, "configs", f"{size}.json")) as file:  # expect: HUB601
        config = _json.load(file)
    model = _torch.nn.Linear(config["in"], 1)
    if pretrained:
        _load(model)
    return model


def _load(model):
    path = _HERE / "net.pth"
    model.load_state_dict(
        _torch.load(path, map_location="cpu", weights_only=True)  # expect: HUB601
    )
