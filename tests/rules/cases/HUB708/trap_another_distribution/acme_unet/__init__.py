from importlib.metadata import version

import torch

OLD = version("torch") < "2"


class Net(torch.nn.Linear):
    """A line."""
