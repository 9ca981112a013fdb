import logging

import einops
import numpy  # expect: HUB105
import torch

try:
    from _hub import keep
except ImportError:
    from ._hub import keep


class Net(torch.nn.Linear):
    keep = staticmethod(keep)
    used = (einops, logging, numpy)
