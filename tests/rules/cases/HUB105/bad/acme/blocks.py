import einops  # expect: HUB105
import torch


class Block(torch.nn.Module):
    pass
