dependencies = ["torch", "timm"]

import timm as _timm  # expect: HUB101


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    return _timm.create_model("resnet18", pretrained=pretrained)
