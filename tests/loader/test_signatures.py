"""The functions can take the place of torch.hub's."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

import hubkit
from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

NAMES = ("load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir")  # fmt: skip
# Safer, and its error says how to opt out.
DIFFERENT = {("load_state_dict_from_url", "weights_only"): True}
# What hubkit has beyond torch.hub, by keyword only.
MORE = {
    "load": {"kwargs", "lockfile", "max_age"},
    "list": {"lockfile", "max_age"},
    "help": {"lockfile", "max_age"},
    "load_state_dict_from_url": {"max_age", "sha256"},
}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_torch_hub(name: str) -> None:
    import torch

    def describe(module: object, skip: set[str]) -> list[tuple[object, ...]]:
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        return [
            # The name after ** is nobody's business, and load's own names come first either way.
            ("**" if one.kind is one.VAR_KEYWORD else one.name, one.kind, one.default)
            for one in parameters
            if one.name not in skip
        ]

    by_position = {"repo_or_dir", "model"} if name == "load" else set()
    expected = describe(torch.hub, by_position)
    ours = describe(hubkit, by_position | MORE.get(name, set()))
    assert [(one, kind, DIFFERENT.get((name, str(one)), default)) for one, kind, default in expected] == ours  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_what_hubkit_has_beyond_torch_hub_is_by_keyword_only(name: str) -> None:
    parameters = inspect.signature(getattr(hubkit, name)).parameters
    assert {parameters[one].kind for one in MORE[name]} == {inspect.Parameter.KEYWORD_ONLY}


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
        done = run_python("-c", program, env=environment, check=True)
        said[imported] = [line for line in done.stdout.splitlines() if "Downloading" not in line]
    assert said["from torch import hub"] == said["import hubkit as hub"]
    assert said["import hubkit as hub"][:2] == ["Net torch.Size([1, 3])", "10"]
