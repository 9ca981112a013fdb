import torch


def build(kind):
    try:
        from .vit import vit
    except ImportError:
        vit = None
    return vit() if vit else torch.nn.Linear(1, 1)


def never_called():
    from .lost import lost

    return lost
