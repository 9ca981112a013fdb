dependencies = ["torch"]

from acme import Net as _Net


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _Net()
