dependencies = ["torch"]

import os as _os
from pathlib import Path as _Path

import torch as _torch

_HERE = _Path(__file__).parent
_URL = "https://example.org/acme-net.pth"


def there(pretrained: bool = False, path: "str | None" = None):
    """A line; pretrained is not used, path may name another file."""
    (_HERE / "data.json").read_text()
    if path:
        (_HERE / path).read_text()
        (_HERE / "other.json").read_text()
    return _torch.nn.Linear(1, 1)


def fetched(pretrained: bool = False):
    """A line; pretrained downloads the file first."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        path = _HERE / "net.pth"
        if not path.exists():
            _torch.hub.download_url_to_file(_URL, str(path))
        model.load_state_dict(_torch.load(path, map_location="cpu", weights_only=True))
    return model


def written(pretrained: bool = False):
    """A line; pretrained is not used, the file is written first, in a folder that is made first."""
    (_HERE / "cache").mkdir(exist_ok=True)
    with open(_HERE / "notes.txt", "w") as file:
        file.write("x")
    (_HERE / "cache" / "x.txt").read_text()
    with open(_HERE / "notes.txt") as file:
        file.read()
    return _torch.nn.Linear(1, 1)


def tried(pretrained: bool = False):
    """A line; pretrained is not used, the files are optional."""
    try:
        (_HERE / "a.json").read_text()
    except OSError:
        pass
    if _os.path.isfile(_HERE / "b.json"):
        (_HERE / "b.json").read_text()
    name = "data.json" if _os.path.isfile(_HERE / "data.json") else "c.json"
    (_HERE / name).read_text()
    return _torch.nn.Linear(1, 1)


def named(pretrained: str = "data"):
    """A line; pretrained names the file."""
    (_HERE / f"{pretrained}.json").read_text()
    return _torch.nn.Linear(1, 1)
