dependencies = ["torch"]

import torch as _torch

_SIZES = {"small": [8, 16], "large": [32, 64]}


def net(size: str = "small", width: int = 8):
    """A line on size and width."""
    if size not in _SIZES:
        raise ValueError(size)
    try:
        width = int(width)
    except TypeError:
        raise ValueError(width) from None
    if width not in _SIZES[size]:
        raise ValueError(width)
    model = _torch.nn.Linear(width, 1)
    model.load_state_dict(
        _torch.hub.load_state_dict_from_url(  # expect: HUB205
            f"https://example.org/acme-{size}.pth", map_location="cpu", weights_only=True
        )
    )
    return model
