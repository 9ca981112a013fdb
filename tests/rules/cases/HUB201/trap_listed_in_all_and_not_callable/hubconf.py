dependencies = ["torch"]

import torch as _torch

from acme_parts import Settings as _Settings
from acme_parts import build_net

__all__ = ["build_net", "net"]

settings = _Settings()
sizes = {"small": 1}


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return build_net(settings.width)
