import torch


class UNet(torch.nn.Module):
    """A network."""
