import torch


class Settings:
    """How wide."""

    width = 1


def build_net(width: int = 1):
    """A line of that width."""
    return torch.nn.Linear(width, 1)
