dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB307
    """A line; pretrained is not used yet.

    >>> model = torch.hub.load("acme/net:v1.0", "net"
    """
    return _torch.nn.Linear(1, 1)


def wide(pretrained: bool = False):  # expect: HUB307
    """A wide line; pretrained is not used yet.

    ```python
    model = torch.hub.load("acme/net", "net")
    model = torch.hub.load("acme/net", "wider", pretrained=True)
    ```
    """
    return _torch.nn.Linear(9, 1)
