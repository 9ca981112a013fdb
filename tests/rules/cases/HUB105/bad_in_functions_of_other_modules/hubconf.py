dependencies = ["torch"]

from acme.build import build as _build


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build()
