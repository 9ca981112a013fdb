dependencies = ["torch", "einops"]

from acme.nets import Net as _Net


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _Net(4, 2)
