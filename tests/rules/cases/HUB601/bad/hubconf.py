dependencies = ["torch"]

from acme_unet.net import UNet as _UNet  # expect: HUB601


def unet(width: int = 4):
    """A net.

    Args:
        width: How wide.
    """
    return _UNet(width)
