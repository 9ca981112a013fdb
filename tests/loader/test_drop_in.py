"""A program written for torch.hub, run with only its import changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

HUBCONF = '''dependencies = ["torch"]

import torch as _torch

from parts.net import make as _make


def net(width=2, pretrained=False):
    """A line of some width."""
    return _make(width)
'''
PROGRAM = """
import sys
IMPORT

hub.set_dir(sys.argv[1])
print(hub.get_dir())
print(hub.list("own/rep:main", trust_repo=True))
print(hub.help("own/rep:main", "net"))
print(hub.load("own/rep:main", "net", 3, pretrained=False, verbose=False).in_features)
print(hub.load(sys.argv[1] + "/own_rep_main", "net", source="local", width=5).in_features)
state = hub.load_state_dict_from_url(sys.argv[2], map_location="cpu", progress=False)
print({name: tensor.tolist() for name, tensor in state.items()})
hub.download_url_to_file(sys.argv[2], sys.argv[1] + "/copy.pt", progress=False)
try:
    hub.load("own/rep:main", "nett")
except RuntimeError:
    print("no such entrypoint")
try:
    hub.load("own/rep:main", "net", source="gitlab")
except ValueError:
    print("no such source")
"""


def run(statement: str, hub_dir: Path, url: str) -> list[str]:
    """What the program prints, without torch.hub's line about its download."""
    program = PROGRAM.replace("IMPORT", statement)
    done = run_python("-c", program, str(hub_dir), url, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("Downloading")]


@pytest.mark.torch
def test_it_prints_the_same_under_both(git_host: GitHost, tmp_path: Path) -> None:
    import torch

    torch.save({"bias": torch.arange(3.0)}, tmp_path / "w.pt")
    url = git_host.add_file("/w.pt", tmp_path / "w.pt")
    said = {}
    for name, statement in (
        ("torch", "import torch.hub as hub"),
        ("hubkit", "import hubkit as hub"),
    ):
        tree = tmp_path / "same" / "own_rep_main"
        (tree / "parts").mkdir(parents=True)
        (tree / "hubconf.py").write_text(HUBCONF)
        (tree / "parts" / "net.py").write_text(
            "import torch\n\n\ndef make(width):\n    return torch.nn.Linear(width, 1)\n"
        )
        said[name] = run(statement, tmp_path / "same", url)
        assert (tmp_path / "same" / "copy.pt").is_file()
        (tmp_path / "same").rename(tmp_path / name)
    assert said["hubkit"] == said["torch"]
    assert len(said["torch"]) == 8
