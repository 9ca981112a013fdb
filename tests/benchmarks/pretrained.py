"""What calls with weights add to the conformance suite: the same repo with and without weights.

Levels 1 to 3 of fifty entrypoints, each with a file of its own: in the repo, and behind a URL that
``dist/`` answers.
"""

from __future__ import annotations

import hashlib
import runpy
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.conforming import MODEL, cpu_seconds
from tests.benchmarks.measure import Result, compare
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRYPOINTS = 50
WIDTH, PIXELS = 16, 64  # 0.7 million parameters
HEAD = """from pathlib import Path as _Path

import torch as _torch

from bench_nets.model import Net as _Net

dependencies = ["torch"]
_URL = "https://github.com/acme/nets/releases/download/v1/"


def _bundled(name):
    path = _Path(__file__).parent / "weights" / name
    return _torch.load(path, map_location="cpu", weights_only=True)


def _released(name):
    return _torch.hub.load_state_dict_from_url(
        _URL + name, map_location="cpu", check_hash=True, weights_only=True
    )
"""
ENTRYPOINT = '''

def net{number}(pretrained: bool = False) -> "_torch.nn.Module":
    """Classify images.

    Args:
        pretrained: Load the trained weights.
    """
    model = _Net({width})
    if pretrained:
        model.load_state_dict({load}("{name}"))
    return model
'''


def results(folder: Path, runs: int = 3) -> Iterator[Result]:
    """Compare the suite on repos with weights to the suite on the same ones declared without."""
    names = _write_weights(folder / "files")
    suite = [sys.executable, "-m", "pytest", "-q", "--hubconf", "-p", "no:cacheprovider"]
    suite += ["--deselect=hubconf.py::check", "-p", "no:hypothesispytest"]
    for load, place in (("_bundled", "weights"), ("_released", "dist")):
        repos = [folder / f"{place}-{trained}" for trained in (True, False)]
        for trained, root in zip((True, False), repos, strict=True):
            (root / place).mkdir(parents=True)
            for name in names:
                (root / place / name).hardlink_to(folder / "files" / name)
            commit_files(root, _files(load, names, trained=trained))
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(runs):
            for root, kept in zip(repos, (ours, theirs), strict=True):
                kept.append(cpu_seconds(suite, root))
        what = f"{ENTRYPOINTS} entrypoints with files in {place}/"
        yield compare(what, "the same without weights", ours, theirs, 1.3)


def _write_weights(folder: Path) -> list[str]:
    """A file for each entrypoint, named after its hash; they differ in one number."""
    import torch

    folder.mkdir()
    model = folder / "model.py"
    model.write_text(MODEL)
    state = runpy.run_path(str(model))["Net"](WIDTH).state_dict()
    names = []
    for number in range(ENTRYPOINTS):
        state["10.bias"][0] = number
        path = folder / "net.pth"
        torch.save(state, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        names.append(f"net{number}-{digest}.pth")
        path.rename(folder / names[-1])
    return names


def _files(load: str, names: list[str], *, trained: bool) -> dict[str, str]:
    settings = "" if trained else "trained = false\n"
    return {
        "hubconf.py": HEAD
        + "".join(
            ENTRYPOINT.format(number=number, width=WIDTH, load=load, name=name)
            for number, name in enumerate(names)
        ),
        "hubkit.toml": "".join(
            f'[entrypoints.net{number}]\ninput = "f32[B,3,{PIXELS},{PIXELS}]"\n{settings}'
            for number in range(len(names))
        ),
        "bench_nets/__init__.py": "",
        "bench_nets/model.py": MODEL,
        ".gitignore": "dist/\n__pycache__/\n",
    }
