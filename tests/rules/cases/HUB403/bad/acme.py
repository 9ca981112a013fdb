import torch


class Net(torch.nn.Module):
    """A network."""

    def forward(self, x):
        from resampling import resample  # expect: HUB403

        return resample(x)


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return Net()
