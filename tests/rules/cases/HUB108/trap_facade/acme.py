import timm


def net(pretrained=False):
    """A network; pretrained loads weights."""
    return timm.create_model("resnet18", pretrained=pretrained)
