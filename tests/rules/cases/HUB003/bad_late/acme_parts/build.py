import torch


def build(kind):
    if kind == "vit":
        from .vit import vit

        return vit()
    return torch.nn.Linear(1, 1)
