import torch
from resampling import resample  # expect: HUB403


class Net(torch.nn.Module):
    """A network."""

    def forward(self, x):
        return resample(x)


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return Net()
