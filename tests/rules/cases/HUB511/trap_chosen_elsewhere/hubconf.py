dependencies = ["torch"]

from acme_parts.build import build as _build


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build("line")
