dependencies = ["torch"]

import json
import os
from pathlib import Path as _Path

from torch import nn as _nn

try:
    from acme_version import VERSION
except ImportError:
    VERSION = "unknown"

_CACHE = _Path(__file__).parent / "cache.json"


def unet():
    """A net."""
    if os.path.exists(_CACHE):
        json.loads(_CACHE.read_text())
    return _nn.Linear(1, 1)
