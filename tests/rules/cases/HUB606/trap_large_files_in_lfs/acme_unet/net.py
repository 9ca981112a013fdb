from torch import nn


class UNet(nn.Module):
    """A net."""

    def __init__(self, width):
        super().__init__()
        self.width = width
