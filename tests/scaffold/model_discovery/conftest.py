"""A repo in a few lines, and what it offers."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Protocol

import pytest

from hubkit.scaffold.model_discovery import discover_models
from hubkit.source import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.scaffold.model_discovery import ModelDiscovery
    from hubkit.scaffold.model_sources import Model

NN = "import torch\nfrom torch import nn\n\n\n"


class ReadModels(Protocol):
    def __call__(self, **files: str) -> ModelDiscovery: ...


def net(name: str, parameters: str = "", body: str = "pass", base: str = "nn.Module") -> str:
    """Source of a module class."""
    return (
        f"class {name}({base}):\n    def __init__(self{parameters and ', '}{parameters}):\n"
        f"        super().__init__()\n        {body}\n\n"
        "    def forward(self, x):\n        return x\n\n\n"
    )


def models(offer: ModelDiscovery) -> dict[str, Model]:
    return {model.name: model for model in offer.models}


@pytest.fixture
def read(tmp_path: Path) -> ReadModels:
    def write_and_read(**files: str) -> ModelDiscovery:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), "utf-8")
        return discover_models(Folder(tmp_path))

    return write_and_read
