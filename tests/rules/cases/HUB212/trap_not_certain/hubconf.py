dependencies = ["torch"]

from acme_net import Net as _Net
from acme_net import build as _build
from acme_net import either as _either
from acme_net import forwarded as _forwarded
from acme_net import wrapped as _wrapped


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    try:
        return _build(width=8, depth=2)
    except TypeError:
        return _build(width=8)


def other(pretrained: bool = False, **options):
    """A line on options; pretrained is not used yet."""
    parts = [8, True]
    _build(*parts, **options)
    _either(depth=2)
    _wrapped(depth=2)
    return _forwarded(kwargs={"depth": 2})


def third(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    model = _Net(8)
    _Net.grow(model, by=2)
    return model.grow(by=2)
