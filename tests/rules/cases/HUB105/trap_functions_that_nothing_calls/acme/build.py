import torch


def build():
    try:
        import einops
    except ImportError:
        einops = None
    return torch.nn.Linear(1, 1 if einops else 2)


def plot():
    import matplotlib

    return matplotlib
