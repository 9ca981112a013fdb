from torch import nn


def unet(pretrained: bool = False, in_channels: int = 3):
    """A net; pretrained is not used yet, in_channels neither."""
    return nn.Linear(1, 1)


old_unet = unet
