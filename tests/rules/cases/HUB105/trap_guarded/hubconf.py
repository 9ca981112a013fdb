dependencies = ["torch"]

import contextlib as _contextlib

import torch as _torch

try:
    import apex as _apex
except ImportError:
    _apex = None
try:
    import mmcv as _mm
except ModuleNotFoundError:
    try:
        import mmengine as _mm
    except ModuleNotFoundError:
        _mm = None
with _contextlib.suppress(ImportError):
    import xformers as _xformers


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
