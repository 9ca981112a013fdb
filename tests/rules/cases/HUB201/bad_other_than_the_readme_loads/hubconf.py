dependencies = ["torch"]

from acme import GeoNet
from acme import Helper  # expect: HUB201


def geonet(width: int = 1):
    """A line of a width.

    Args:
        width: Its width.
    """
    Helper()
    return GeoNet(width)
