dependencies = ["torch"]

import io as _io
from pathlib import Path as _Path

import torch as _torch

_W = _Path(__file__).parent / "weights"
_NAME = "weights/net.pth"


def net(pretrained: bool = False, archive=None):
    """A line; pretrained loads weights, archive is where they are."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        with (_W / "net.pth").open("rb") as file:
            model.load_state_dict(_torch.load(file, map_location="cpu", weights_only=True))
        with archive.open(_NAME) as file:
            content = _io.BytesIO(file.read())
        model.load_state_dict(_torch.load(content, map_location="cpu", weights_only=True))
    return model
