dependencies = ["torch"]

import os as _os


def net(pretrained=False):
    """A net.

    Args:
        pretrained: Nothing to load.
    """
    import torch

    return torch.nn.Linear(1, 1)


for _width in range(int(_os.environ.get("WIDTHS", 4))):
    globals()[f"net{_width}"] = net  # expect: HUB210
