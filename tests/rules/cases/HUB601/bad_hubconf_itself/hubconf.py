dependencies = ["torch"]

from acme_unet.net import UNet as _UNet


def unet(width: int = 4):
    """A net.

    Args:
        width: How wide.
    """
    return _UNet(width)
