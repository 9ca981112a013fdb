dependencies = ["torch"]

import os as _os
import sys as _sys
from pathlib import Path as _Path

import torch as _torch

_ROOT = _Path(__file__).resolve().parent
_SOURCES = _ROOT / "vendor" / "src"
_sys.path.insert(0, str(_SOURCES))  # expect: HUB005
_MORE = _os.path.join(_os.path.dirname(__file__), "more")
_sys.path.append(_MORE)  # expect: HUB005

from acme_more import DEPTH as _DEPTH
from acme_parts import WIDTH as _WIDTH


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_WIDTH, _DEPTH)
