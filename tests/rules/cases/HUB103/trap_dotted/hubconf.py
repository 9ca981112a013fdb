dependencies = ["torch", "google.protobuf"]

import google.protobuf as _protobuf
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
