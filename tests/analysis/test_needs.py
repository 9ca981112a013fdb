"""What must be installed to load each entrypoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis import read_needs, read_repo, require_hubconf

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = """
import os
import torch
from parts import base
try:
    import apex
except ImportError:
    apex = None


def plain():
    return torch.nn.Linear(1, 1)


def _helper():
    import timm

    return timm.create_model("x")


def helped():
    return _helper()


def other():
    import einops
    from parts import late

    return late.make()


def both():
    return helped()
"""


def test_each_entrypoint_needs_what_its_calls_import(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "base.py").write_text("import numpy\n\n\ndef f():\n    import scipy\n")
    (tmp_path / "parts" / "late.py").write_text(
        "import PIL\n\n\ndef make():\n    import yaml\n    import json\n"
    )
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    facts = read_repo(tmp_path)
    needs = read_needs(facts.files, require_hubconf(facts))
    assert needs == {
        "plain": ("numpy", "torch"),
        "helped": ("numpy", "timm", "torch"),
        "other": ("PIL", "einops", "numpy", "torch"),
        "both": ("numpy", "timm", "torch"),
    }
