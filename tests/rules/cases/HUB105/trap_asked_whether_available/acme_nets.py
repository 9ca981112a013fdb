import importlib.util

import torch


def is_timm_available():
    return importlib.util.find_spec("timm") is not None


HAS_EINOPS = importlib.util.find_spec("einops") is not None

if is_timm_available():
    import timm
else:
    timm = None

if HAS_EINOPS and timm:
    import einops


def net():
    """A line."""
    return torch.nn.Linear(1, 1)
