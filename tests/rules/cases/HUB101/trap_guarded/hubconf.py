import torch as _torch

try:
    import apex as _apex
except ImportError:
    _apex = None


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
