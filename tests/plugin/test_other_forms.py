"""C311, C312, C314 and C315: what torch's compilers and exporters make of models."""

from __future__ import annotations

import importlib.util
import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

HUBCONF = '''
import torch as _torch

dependencies = ["torch"]


class _Plain(_torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = _torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x)


class _Branching(_Plain):
    def forward(self, x):
        return self.layer(x if x.sum() > 0 else -x)


class _Untyped(_Plain):
    def forward(self, x):
        parts = {"a": x, 2: x}
        return self.layer(parts["a"])


def plain(pretrained=False):
    """Goes through everything."""
    return _Plain()


def branching(pretrained=False):
    """Looks at its input."""
    return _Branching()


def untyped(pretrained=False):
    """Has a dict of mixed keys."""
    return _Untyped()
'''


@pytest.mark.slow
@pytest.mark.torch
def test_each_form_is_a_feature_of_its_own(repo: HubRepo) -> None:
    repo.write({"hubconf.py": HUBCONF})
    only = ("--hubconf-slow", "--hubconf-select=C311,C312,C314,C315", "-rs")
    result = repo.run(
        "--hubconf", "--hubconf-report=out.json", "--deselect=hubconf.py::check", *only
    )
    assert result.ret == 0
    document = json.loads((repo.root / "out.json").read_text("utf-8"))
    lacking = {
        one["entrypoint"]: set(one["features"]["unsupported"]) for one in document["entrypoints"]
    }
    judged = {"export", "script"}
    judged |= {"compile"} if shutil.which("c++") or shutil.which("g++") else set()
    judged |= {"onnx"} if all(map(importlib.util.find_spec, ("onnx", "onnxscript"))) else set()
    assert lacking == {
        "plain": set(),
        "branching": judged & {"export", "compile", "onnx"},
        "untyped": {"script"},
    }
    assert set(document["entrypoints"][0]["features"]["supported"]) == judged
    result.stdout.fnmatch_lines(
        ["*torch.export fails on branching in evaluation mode, without gradients: *"]
    )
