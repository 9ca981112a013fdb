import torch


class GeoNet(torch.nn.Linear):
    """A line of a width.

    Args:
        width: Its width.
    """

    def __init__(self, width: int = 1):
        super().__init__(width, 1)


class Helper:
    """Something else."""
