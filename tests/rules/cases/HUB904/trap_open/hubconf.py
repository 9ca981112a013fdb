dependencies = ["torch"]


def net(pretrained=False):
    """A net.

    Args:
        pretrained: Nothing to load.
    """
    import torch

    return torch.nn.Linear(1, 1)


for _width in (2, 4):
    globals()[f"net{_width}"] = net  # expect: HUB210
