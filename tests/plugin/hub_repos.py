"""Sources of a healthy hub repo."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

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
    "LICENSE": "Permission is hereby granted, free of charge\n",
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
trained = false
""",
    "tests/test_own.py": "def test_own():\n    pass\n",
}


def add_weights(root: Path) -> None:
    """Write the weights of the healthy repo into its ``dist/``, and their digest into its URL."""
    import torch

    scope: dict[str, Any] = {}
    exec(MODEL, scope)
    (root / "dist").mkdir()
    path = root / "dist" / "small.pth"
    torch.save(scope["Net"]().state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    path.rename(path.with_name(f"small-{digest}.pth"))
    hubconf = root / "hubconf.py"
    hubconf.write_text(hubconf.read_text("utf-8").replace("0123abcd", digest), "utf-8")
