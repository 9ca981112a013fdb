import torch


class Net(torch.nn.Module):
    """A network."""
