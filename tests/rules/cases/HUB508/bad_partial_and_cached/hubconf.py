dependencies = ["torch"]

import functools as _functools

from acme_zoo import build as _build

small = _functools.partial(_build, name="small")
small.__doc__ = "A small network; pretrained loads weights, name is its own."
