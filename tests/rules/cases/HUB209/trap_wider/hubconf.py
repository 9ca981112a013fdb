dependencies = ["torch"]

from torch import nn as _nn


def unet(pretrained=False, name: "str | None" = "a", width: int = 4, **options):
    """A net; pretrained is not used yet, name and width neither."""
    return _nn.Linear(1, options.get("depth", 1))
