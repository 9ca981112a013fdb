dependencies = ["torch"]

import torch as _torch

from acme import WIDTH as _WIDTH


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    generator = _torch.Generator().manual_seed(0)
    with _torch.set_grad_enabled(False):
        weight = _torch.rand(1, generator=generator)
    return _torch.nn.Linear(len(weight), 1)


if __name__ == "__main__":
    _torch.manual_seed(0)
