"""The functions can take the place of torch.hub's."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import hubkit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

NAMES = ("load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir")  # fmt: skip
# Safer, and its error says how to opt out.
DIFFERENT = {("load_state_dict_from_url", "weights_only"): True}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_torch_hub(name: str) -> None:
    import torch

    theirs = inspect.signature(getattr(torch.hub, name)).parameters.values()
    ours = inspect.signature(getattr(hubkit, name)).parameters.values()
    expected = [
        (one.name, one.kind, DIFFERENT.get((name, one.name), one.default)) for one in theirs
    ]
    assert [(one.name, one.kind, one.default) for one in ours] == expected


CONSUMER = """
import os
import torch
from torch import hub

repo = os.environ["REPO"]
small = hub.load(repo, "net", 2, source="local", verbose=False, width=3)
print(type(small).__name__, small(torch.ones(1, 2)).shape)
large = hub.load(repo_or_dir=repo, model="net", inputs=4, source="local")
print(sum(p.numel() for p in large.parameters()))
state = hub.load_state_dict_from_url(os.environ["URL"], map_location="cpu", progress=False)
small.load_state_dict(state)
print(float(small.inner.weight.sum()))
try:
    hub.load(repo, "nett", source="local")
except RuntimeError as error:
    print("Cannot find" in str(error) or "nett" in str(error))
try:
    hub.load(repo, "net", source="nowhere")
except ValueError as error:
    print("nowhere" in str(error))
print(os.path.basename(hub.get_dir()))
hub.set_dir(os.environ["ELSEWHERE"])
print(hub.get_dir() == os.environ["ELSEWHERE"])
"""
NET = """
    import torch
    from models.net import Net
    dependencies = ["torch"]
    def net(inputs, width=2):
        return Net(inputs, width)
"""
MODEL = """
    import torch
    class Net(torch.nn.Module):
        def __init__(self, inputs, width):
            super().__init__()
            self.inner = torch.nn.Linear(inputs, width)
        def forward(self, x):
            return self.inner(x)
"""


def test_code_written_for_torch_hub_runs_with_the_import_changed(
    make_repo: MakeRepo, tmp_path: Path, hub_dir: Path
) -> None:
    import torch

    root = make_repo("repo", {"hubconf.py": NET, "models/net.py": MODEL})
    torch.save({"inner.weight": torch.ones(3, 2), "inner.bias": torch.ones(3)}, tmp_path / "w.pt")
    environment = {
        "REPO": str(root),
        "URL": (tmp_path / "w.pt").as_uri(),
        "ELSEWHERE": str(tmp_path / "elsewhere"),
        "TORCH_HOME": str(hub_dir.parent),
    }
    said = {}
    for imported in ("from torch import hub", "import hubkit as hub"):
        program = CONSUMER.replace("from torch import hub", imported)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        said[imported] = [line for line in done.stdout.splitlines() if "Downloading" not in line]
    assert said["from torch import hub"] == said["import hubkit as hub"]
    assert said["import hubkit as hub"][:2] == ["Net torch.Size([1, 3])", "10"]
