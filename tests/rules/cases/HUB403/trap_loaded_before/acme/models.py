import torch


class Net(torch.nn.Module):
    """A network."""

    def __init__(self):
        super().__init__()
        import built

        self.width = built.WIDTH

    def forward(self, x):
        import built
        from acme.resampling import resample

        from . import more

        return resample(x) + more.WIDTH + built.WIDTH


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return Net()
