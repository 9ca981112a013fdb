import einops  # expect: HUB105
import torch


class Net(torch.nn.Linear):
    """A line."""

    def __init__(self):
        import scipy  # expect: HUB105

        super().__init__(1, 1)
        self.used = (einops, scipy)
