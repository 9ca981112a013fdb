dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

if __name__ == "__main__":
    import urllib.request

    urllib.request.urlopen("https://example.org/labels.txt")
