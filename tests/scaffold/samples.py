"""A repo of models as people write them, and a template rendered as the command does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.commands.init import make_plan
from hubkit.scaffold import EXISTING, read_template, write_files
from tests.scaffold.conftest import write_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.commands.init import Plan

_README = """# Nets

Two small networks.

```python
import torch
from shapenets import UNet

net = UNet(depth=2)
masks = net(torch.rand(1, 3, 16, 16))
```
"""
_BLOCKS = '''"""Parts of the networks."""

from torch import nn


class ConvBlock(nn.Module):
    """Convolution and activation."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, images):
        return self.conv(images).relu()
'''
_UNET = '''"""A U-Net of sorts."""

from torch import nn

from .blocks import ConvBlock


class Base(nn.Module):
    """What all nets have."""

    def describe(self):
        return type(self).__name__


class UNet(Base):
    """Find the foreground of small color images.

    Args:
        depth: how many blocks there are
        channels: Channels of the images.
    """

    def __init__(self, depth, channels=3, activation=nn.ReLU, mode='same'):
        super().__init__()
        self.blocks = nn.Sequential(*(ConvBlock(channels, channels) for _ in range(depth)))

    def forward(self, images):
        return self.blocks(images)
'''
_CLASSIFY = '''"""Classifiers."""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, width, num_classes):
        super().__init__()
        self.head = nn.Linear(3 * width, num_classes)

    def forward(self, images):
        means = images.mean(dim=(2, 3))
        return self.head(torch.cat([means] * (self.head.in_features // 3), dim=1))


def tiny(num_classes=4):
    """Classify images by their mean color"""
    return Classifier(1, num_classes)


def wide(num_classes):
    model = Classifier(2, num_classes)
    return model


class ColorLoss(nn.Module):
    def forward(self, a, b):
        return (a - b).abs().mean()
'''
SAMPLE = {
    "README.md": _README,
    "LICENSE": "MIT License\n\nCopyright (c) 2019-2021 Ada Lovelace\n\n"
    "Permission is hereby granted, free of charge.\nThe above copyright notice.\n",
    "shapenets/__init__.py": "from .unet import UNet\n",
    "shapenets/blocks.py": _BLOCKS,
    "shapenets/unet.py": _UNET,
    "shapenets/classify.py": _CLASSIFY,
    "train.py": "from shapenets import UNet\n\nfor step in range(3):\n    print(UNet(1))\n",
}


def write_template(target: Path, name: str, answers: Mapping[str, str]) -> Path:
    """Make a repo from a template; where it publishes what is there, something is there."""
    if name == EXISTING:
        write_tree(target, SAMPLE)
    plan = plan_template(target, name, answers)
    write_files(target, plan.files)
    return target


def plan_template(target: Path, name: str, answers: Mapping[str, str]) -> Plan:
    usual = {"repo": "acme/shapes", "author": "Ada Lovelace", **answers}
    template = read_template(name)
    asked = {question.name for question in template.questions}
    given = {key: value for key, value in usual.items() if key in asked}
    if name == EXISTING:
        given.pop("entrypoint", None)
    return make_plan(target, name, given, interactive=False)


# What `hubkit init` adds to it.
MADE = {
    ".gitattributes",
    ".gitignore",
    ".github/workflows/hub.yml",
    ".pre-commit-config.yaml",
    "CITATION.cff",
    "MODEL_CARD.md",
    "hubconf.py",
    "hubkit.toml",
}
