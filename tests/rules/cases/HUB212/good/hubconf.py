dependencies = ["torch"]

from acme_net import Net as _Net
from acme_net import build as _build


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build(width=8)


def large(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _Net.from_name("large", classes=3)
