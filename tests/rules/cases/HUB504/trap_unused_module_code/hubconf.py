dependencies = ["torch"]

from acme_nets import old as _old


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _old.small()
