"""Hub repos whose weights are wrong in one way each, next to the same without the fault.

One repo holds all entrypoints. `fault_NAME` has the fault, and `fine_NAME` does not.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from unittest import mock

from hubkit.lockfile import LockedCheckpoint, Lockfile, write_lockfile

if TYPE_CHECKING:
    from pathlib import Path

# The check that finds each fault.
FAULTS = {
    "widths": "C305",
    "renamed": "C316",
    "prefixes": "C316",
    "half": "C305",
    "pickle": "C307",
    "training": "C305",
    "cuda": "C305",
    "working": "C305",
    "absolute": "C305",
    "untracked": "C301",
    "writing": "C301",
    "pointer": "C305",
    "older": "C305",
    "locked": "C307",
    "swapped": "C307",
    "nan": "C316",
    "overwritten": "C316",
    "ignored": "C316",
}

# The rules that find it in the source.
RULES = {
    "cuda": ("HUB504",),
    "working": ("HUB507",),
    "untracked": ("HUB601",),
    "pointer": ("HUB603",),
}

MODEL = '''
"""The model."""

import torch


class Net(torch.nn.Module):
    """A small net."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.first = torch.nn.Linear(2, width)
        self.last = torch.nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score."""
        return self.last(self.first(x).relu())
'''

HEAD = '''
"""Entrypoints."""

from pathlib import Path as _Path

import torch as _torch

from shapes.model import Net as _Net

dependencies = ["torch"]
_URL = "https://weights.example.org/v1/"
_WEIGHTS = _Path(__file__).parent / "weights"


def _load(file, strict=True, key=None, **options):
    net = _Net()
    state = _torch.load(_WEIGHTS / file, **options)
    net.load_state_dict(state if key is None else state[key], strict=strict)
    return net


def _download(file, **options):
    net = _Net()
    net.load_state_dict(_torch.hub.load_state_dict_from_url(_URL + file, **options))
    return net


def _overwrite(net):
    for layer in (net.first, net.last):
        _torch.nn.init.normal_(layer.weight)
    return net
'''
# The expression that builds the model with weights: with the fault, and without.
BODIES = {
    "widths": ("_load('wide.pth')", "_load('good.pth')"),
    "renamed": ("_load('renamed.pth', strict=False)", "_load('good.pth', strict=False)"),
    "prefixes": ("_load('prefixed.pth', strict=False)", "_load('good.pth', strict=True)"),
    "half": ("_load('half.pth')", "_load('good.pth')"),
    "pickle": (
        "_torch.load(_WEIGHTS / 'whole.pth', weights_only=False)",
        "_load('good.pth', weights_only=False)",
    ),
    "training": ("_load('training.pth')", "_load('training.pth', key='model')"),
    "cuda": ("_load('cuda.pth')", "_load('cuda.pth', map_location='cpu')"),
    "working": ("_load(_Path.cwd() / 'weights' / 'good.pth')", "_load('good.pth')"),
    "absolute": ("_load(_Path('{AUTHOR}/good.pth'))", "_load('good.pth')"),
    "untracked": ("_load('untracked.pth')", "_load('good.pth')"),
    "writing": (
        "_torch.save(1, _WEIGHTS / 'new.pth') or _load('good.pth')",
        "_load('good.pth')",
    ),
    "pointer": ("_load('pointer.pth')", "_load('good.pth')"),
    "older": (
        "_download('older-{OLDER}.pth', check_hash=True)",
        "_download('newer-{DIGEST}.pth', check_hash=True)",
    ),
    "locked": ("_download('locked.pth')", "_download('pinned.pth')"),
    "swapped": ("_load('fine_swapped.pth')", "_load('fine_swapped.pth')"),
    "nan": ("_load('nan.pth')", "_load('good.pth')"),
    "overwritten": ("_overwrite(_load('good.pth'))", "(_overwrite(_Net()), _load('good.pth'))[1]"),
    "ignored": ("_Net()", "_load('good.pth')"),
}
BUILD = '''

def {name}(pretrained={default}):
    """A net.

    Args:
        pretrained: Load weights.
    """
    return {body} if pretrained else _Net()
'''


def make_entrypoints(author: Path, digest: str) -> dict[str, str]:
    """The code of each entrypoint, by name."""
    made = {}
    for fault, bodies in BODIES.items():
        default = "'imagenet'" if fault == "ignored" else "False"
        for name, body in zip((f"fault_{fault}", f"fine_{fault}"), bodies, strict=True):
            text = BUILD.format(name=name, default=default, body=body)
            text = text.replace("{AUTHOR}", str(author)).replace("{DIGEST}", digest)
            made[name] = text.replace("{OLDER}", "0" * 8)
    return made


def make_sources(entrypoints: dict[str, str]) -> dict[str, str]:
    """The files of the repo, except its weights."""
    names = (f'[entrypoints.{name}]\ninput = "f32[B,2]"\n' for name in entrypoints)
    return {
        "hubconf.py": "".join((HEAD, *entrypoints.values())),
        "LICENSE": "Permission is hereby granted, free of charge\n",
        "shapes/__init__.py": "",
        "shapes/model.py": MODEL,
        "hubkit.toml": "".join(names),
        ".gitignore": "dist/\nweights/untracked.pth\n__pycache__/\n",
    }


def write_weights(root: Path, author: Path) -> str:
    """Write the weights into the repo; returns the start of the digest of the good ones."""
    import torch

    net = _make_net(root)
    good = net().state_dict()
    folder, dist = root / "weights", root / "dist"
    for one in (folder, dist, author):
        one.mkdir(exist_ok=True)
    states: dict[str, Any] = {
        "good": good,
        "wide": net(5).state_dict(),
        "renamed": {key.replace("first", "layer1"): value for key, value in good.items()},
        "prefixed": {f"module.{key}": value for key, value in good.items()},
        "training": {"model": good, "optimizer": {"lr": 0.1}, "epoch": 3},
        "untracked": good,
        "fault_swapped": net().state_dict(),
        "fine_swapped": net().state_dict(),
        "nan": {**good, "last.bias": good["last.bias"] * float("nan")},
        "whole": net(),
    }
    for name, state in states.items():
        torch.save(state, folder / f"{name}.pth")
    data = (folder / "good.pth").read_bytes()
    with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
        torch.save(good, folder / "cuda.pth")
    (folder / "half.pth").write_bytes(data[: len(data) // 2])
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n"
    (folder / "pointer.pth").write_text(pointer)
    digest = hashlib.sha256(data).hexdigest()[:8]
    waiting = (f"newer-{digest}.pth", f"older-{'0' * 8}.pth", "locked.pth", "pinned.pth")
    for path in (author / "good.pth", *(dist / name for name in waiting)):
        path.write_bytes(data)
    pins = {
        f"https://weights.example.org/v1/{name}.pth": LockedCheckpoint(sha256, len(data))
        for name, sha256 in (("locked", "0" * 64), ("pinned", hashlib.sha256(data).hexdigest()))
    }
    write_lockfile(Lockfile(root / "hubkit.lock", checkpoints=pins))
    return digest


def _make_net(root: Path) -> Any:
    """The class of the repo, so that pickles name it as the author's do."""
    import sys

    sys.path.insert(0, str(root))
    try:
        from shapes.model import Net  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(root))
        for name in [one for one in sys.modules if one.partition(".")[0] == "shapes"]:
            _KEPT[name] = sys.modules[name]
    return Net


_KEPT: dict[str, Any] = {}
