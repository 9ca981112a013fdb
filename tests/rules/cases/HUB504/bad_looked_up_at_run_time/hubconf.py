dependencies = ["torch"]

from acme_nets import old as _old


def net(name: str = "small"):
    """A line that name selects."""
    return getattr(_old, name)()
