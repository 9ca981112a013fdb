"""Entrypoints that are each wrong in one way, beside a twin that does the same and is right.

``HUBKIT_DEFECTS=noisy,C214`` in the environment selects some of them, by name or code.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.plugin.defects.level1 import LEVEL1
from tests.plugin.defects.level2 import LEVEL2
from tests.plugin.defects.level3 import LEVEL3

if TYPE_CHECKING:
    from tests.plugin.defects.helpers import Defect

_ALL = (*LEVEL1, *LEVEL2, *LEVEL3)


def _select(wanted: str) -> tuple[Defect, ...]:
    """The defects with these names or codes, separated by commas; all of them by default."""
    names = {name.strip() for name in wanted.split(",")} - {""}
    unknown = names - {name for one in _ALL for name in (one.name, one.code)}
    if unknown:
        raise ValueError(f"HUBKIT_DEFECTS: no such name or code: {', '.join(sorted(unknown))}")
    return tuple(one for one in _ALL if not names or names & {one.name, one.code})


DEFECTS = _select(os.environ.get("HUBKIT_DEFECTS", ""))

# Features that go with another defect: what cannot be copied cannot be changed or sent either.
_ALSO_MISSING = {"lock": {"C213", "C214", "C313"}, "not_finite": {"C213"}}


def missing_features(defect: Defect, source: str) -> set[str]:
    """Features that an entrypoint of that source cannot have."""
    missing = {"C210"} if "class _NAME(" in source else set()
    if "get_extra_state" in source:
        missing.add("C208")
    if source is not defect.bad:
        return missing
    return (
        missing
        | _ALSO_MISSING.get(defect.name, set())
        | ({defect.code} if defect.feature else set())
    )


_HEAD = '''
"""Entrypoints, each wrong in one way, and their twins."""

import logging as _logging
import os as _os
import threading as _threading
from functools import partial as _partial
from pathlib import Path as _Path

import torch as _torch
import torch.nn.functional as _F
from torch.hub import load_state_dict_from_url as _load_early

import shapes.public
from shapes.model import Net as _Net

dependencies = ["torch"]
'''

MODEL = '''
"""The model."""

import torch


class Net(torch.nn.Module):
    """A small net with all that has a training mode."""

    def __init__(self, width=4, inputs=4):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(inputs, width),
            torch.nn.BatchNorm1d(width),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(width, 2),
        )

    def forward(self, x):
        return self.layers(x)
'''


def make_repo() -> dict[str, str]:
    """The files of a repo with all of them."""
    parts, tables = [_HEAD], []
    for defect in DEFECTS:
        for name, source in (
            (f"bad_{defect.name}", defect.bad),
            (f"good_{defect.name}", defect.good),
        ):
            parts.append(source.replace("NAME", name))
            tables.append(f"[entrypoints.{name}]\ntrained = false\n{defect.config}\n")
    return {
        "hubconf.py": "\n\n".join(parts),
        "shapes/__init__.py": "",
        "shapes/model.py": MODEL,
        "shapes/public.py": "",
        "shapes_late.py": "",
        "shapes/secret.py": "",
        "shapes/classes.txt": "cat\ndog\n",
        ".gitignore": "secret.py\n",
        "hubkit.toml": "\n".join(tables),
    }
