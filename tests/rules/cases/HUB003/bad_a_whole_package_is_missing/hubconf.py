dependencies = ["torch"]

from acme.net import net  # expect: HUB003
from acme.net import other
import acme.net


def wide(pretrained=False):
    """A wide network; pretrained loads weights."""
    return net(pretrained=pretrained, width=2)
