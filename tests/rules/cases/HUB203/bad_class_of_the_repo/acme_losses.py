import torch


class FocalLoss(torch.nn.Module):
    """A loss; gamma says how much it focuses."""

    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma
