dependencies = ["torch"]

from acme_parts.build import build as _build


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build("line")


def vit(pretrained: bool = False):
    """A line of another kind; pretrained is not used yet."""
    return _build("vit")
