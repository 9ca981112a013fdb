dependencies = ["torch"]

import importlib.util as _util
import sys as _sys

import torch as _torch

if _sys.platform == "win32":
    import win32api as _win32api
if _sys.version_info < (3, 8):
    import importlib_metadata as _metadata
else:
    import importlib.metadata as _metadata
if _util.find_spec("flash_attn") is not None:
    import flash_attn as _flash_attn


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
