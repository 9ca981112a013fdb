dependencies = ["torch"]

from acme_net import Net as _Net
from acme_net import build as _build


def _maker(name):
    def made(classes=10):
        """A line on classes."""
        return _Net.from_name(name, options={"classes": classes})  # expect: HUB212

    return made


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build(widht=8)  # expect: HUB212


def large(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build(8, True, 3)  # expect: HUB212


def small(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    if pretrained:
        return _Net(1)
    return _maker("small")()
