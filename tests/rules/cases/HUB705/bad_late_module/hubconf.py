dependencies = ["torch"]


def net(pretrained: bool = False):
    """A net; pretrained is not used yet."""
    from acme_net import Net

    return Net()
