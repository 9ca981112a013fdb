dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet.

    ```python
    $ pip install timm
    !wget https://example.org/picture.png
    model = torch.hub.load("acme/net", "net")
    ```

    Its sibling is `torch.hub.load("acme/plane", "plane")`, and before 1.0 it was
    `torch.hub.load("acme/net:v0.9", "line")`.

    ```
    not: python at all
    ```
    ... and so on.
    """
    return _torch.nn.Linear(1, 1)
