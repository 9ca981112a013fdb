import importlib.metadata as _metadata
from importlib.metadata import version

import torch

__version__ = version("Acme-UNet")  # expect: HUB708
NAME = _metadata.metadata("acme-nets")["Name"]  # expect: HUB708
OTHER = version(__name__)  # expect: HUB708


class Net(torch.nn.Linear):
    """A line."""
