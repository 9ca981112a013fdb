dependencies = ["torch"]

import torch as _torch


def net(path: str = "", trusted: bool = False, **options):
    """A line on path, trusted and options."""
    model = _torch.nn.Linear(1, 1)
    if trusted:
        model.load_state_dict(_torch.load(path, weights_only=False))  # expect: HUB505
    elif path:
        model.load_state_dict(_torch.load(path, map_location="cpu"))  # expect: HUB505
    elif options:
        model.load_state_dict(_torch.load(path, **options))
    else:
        model.load_state_dict(_torch.load(path, weights_only=True))
    return model


def _never_called(path):
    return _torch.load(path)
