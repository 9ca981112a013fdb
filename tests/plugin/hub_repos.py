"""Sources of hub repos: a healthy one, and one whose entrypoints are each wrong in one way."""

from __future__ import annotations

MODEL = '''
"""The model."""

import torch


class Net(torch.nn.Module):
    """A small net with all that has a training mode."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, width),
            torch.nn.BatchNorm1d(width),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(width, 2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score."""
        return self.layers(x)
'''

HEALTHY = {
    "hubconf.py": '''
"""Entrypoints."""

import torch as _torch

from shapes.model import Net as _Net

dependencies = ["torch"]


def small(pretrained: bool = False) -> _torch.nn.Module:
    """Score four numbers.

    Args:
        pretrained: Load weights, which are downloaded.

    Returns:
        A module that maps (B, 4) to scores (B, 2).
    """
    model = _Net()
    if pretrained:
        url = "https://weights.example.org/small-0123abcd.pth"
        state = _torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model


def wide(width: int, pretrained: bool = False) -> _torch.nn.Module:
    """Score four numbers with more effort.

    Args:
        width: How much effort.
        pretrained: Load weights.

    Returns:
        A module that maps (B, 4) to scores (B, 2).
    """
    if pretrained:
        raise ValueError("There are no weights for it.")
    return _Net(width)
''',
    "shapes/__init__.py": '"""Shapes."""\n',
    "shapes/model.py": MODEL,
    "pyproject.toml": """
[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.hubkit.entrypoints.small]
input = "f32[B,4] in [0,1]"

[tool.hubkit.entrypoints.wide]
input = "f32[B,4]"
call = { width = 8 }
""",
    "tests/test_own.py": "def test_own():\n    pass\n",
}

DEFECTS = {
    "hubconf.py": '''
import torch as _torch
from torch.hub import load_state_dict_from_url as _load_early

from shapes.model import Net as _Net

dependencies = ["torch"]


def fine(pretrained=False):
    """Nothing is wrong."""
    return _Net()


def lazy_import(pretrained=False):
    """Imports numpy when called."""
    import numpy
    return _Net()


def downloads(pretrained=False):
    """Tests for None what is meant as a truth."""
    net = _Net()
    if pretrained is not None:
        url = "https://weights.example.org/net-0123abcd.pth"
        net.load_state_dict(_load_early(url))
    return net


def swallowed(pretrained=False):
    """Looks for news, and copes without."""
    import urllib.request
    try:
        urllib.request.urlopen("https://news.example.org", timeout=5)
    except OSError:
        pass
    return _Net()


def pair(pretrained=False):
    """Gives two things."""
    return _Net(), ["cat", "dog"]


def silent(pretrained=False):
    return _Net()


def reserved(source="web"):
    """Has a parameter that torch.hub.load keeps for itself."""
    return _Net()


class _Secret(_Net):
    def get_extra_state(self):
        return {"decode": lambda x: x}


def unsafe(pretrained=False):
    """Has a function among its weights."""
    return _Secret()


_builds = 0


def counted(pretrained=False):
    """Names its modules by a counter."""
    global _builds
    _builds += 1
    net = _Net()
    net.add_module(f"head{_builds}", _torch.nn.Linear(2, 2))
    return net


class _Noisy(_Net):
    def forward(self, x):
        return super().forward(_torch.nn.functional.dropout(x, 0.5))


def noisy(pretrained=False):
    """Drops out in evaluation mode too."""
    return _Noisy()


def picky(pretrained=False):
    """Is declared with the wrong input."""
    return _Net()


def uncommitted(pretrained=False):
    """Needs a module that was never committed."""
    from shapes import secret
    return _Net()


def relative(pretrained=False):
    """Opens a file of the repo relative to the current folder."""
    with open("shapes/classes.txt") as file:
        file.read()
    return _Net()


def raises(pretrained=False):
    """Fails."""
    return _Net(width="four")


def needs(size):
    """Cannot be called without an argument."""
    return _Net(size)
''',
    "shapes/__init__.py": "",
    "shapes/model.py": MODEL,
    "shapes/classes.txt": "cat\ndog\n",
    ".gitignore": "secret.py\n",
    "shapes/secret.py": "",
    "hubkit.toml": "\n".join(
        f"[entrypoints.{name}]\ninput = {shape!r}\n"
        for name, shape in {
            **dict.fromkeys(
                [
                    "fine",
                    "lazy_import",
                    "downloads",
                    "swallowed",
                    "silent",
                    "reserved",
                    "unsafe",
                    "counted",
                    "noisy",
                    "uncommitted",
                    "relative",
                    "raises",
                ],
                "f32[B,4]",
            ),
            "picky": "f32[B,5]",
        }.items()
    ),
}
