dependencies = ["torch"]

import torch as _torch


def _download(url):
    return _torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)


def net(width: int = 8, bare: bool = False):
    """A line on width and bare."""
    model = _torch.nn.Linear(width, 1)
    if width not in (8, 16):
        return model
    model.load_state_dict(_download("https://example.org/acme-net.pth"))
    return model


def offline(origin: str = ""):
    """A line on origin."""
    model = _torch.nn.Linear(1, 1)
    try:
        if origin not in ("ours", "theirs"):
            raise KeyError(origin)
        model.load_state_dict(_download(origin))
    except KeyError:
        pass
    return model
