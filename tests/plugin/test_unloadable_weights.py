"""Whole repos whose models do not load with their weights: nobody publishes them unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.plugin.conftest import outcomes
from tests.warm import run_python

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.slow, pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]

MODEL = '''
"""The model."""

import torch


class Net(torch.nn.Module):
    """A classifier."""

    def __init__(self, width: int = 4, num_classes: int = 2) -> None:
        super().__init__()
        self.body = torch.nn.Linear(3, width)
        self.more = torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(4)))
        self.head = torch.nn.Linear(width, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score."""
        return self.head(self.more(self.body(x).relu()))
'''
HUBCONF = '''
"""Entrypoints."""

from pathlib import Path as _Path

import torch as _torch

from shapes.model import Net as _Net

dependencies = ["torch"]


def net(pretrained: bool = False, {parameter}) -> _torch.nn.Module:
    """A classifier.

    Args:
        pretrained: Load the trained weights.
        {name}: Its size.

    Returns:
        A module that maps (B, 3) to scores.
    """
    model = _Net({name}={name})
    if pretrained:
        {load}
        model.load_state_dict(state)
    return model
'''
SAVED = "checkpoints/net.pth"
BUNDLED = (
    f'path = _Path(__file__).parent / "{SAVED}"\n'
    '        state = _torch.load(path, map_location="cpu", weights_only=True)'
)
RELATIVE = f'state = _torch.load("{SAVED}", map_location="cpu", weights_only=True)'
INITIAL = "num_classes was guessed"  # as an earlier `hubkit init` did
MISFIT = "size mismatch for {}"

# What differs in each repo, and the reason that is reported.
REPOS: dict[str, tuple[str, str, str]] = {
    "the checkpoint has other widths": ("width: int = 6", BUNDLED, MISFIT.format("body.weight")),
    "the path starts at the working directory": (
        "width: int = 4", RELATIVE, f"FileNotFoundError: [Errno 2] No such file or directory: '{SAVED}'"
    ),
    INITIAL: ("num_classes: int = 10", BUNDLED, MISFIT.format("head.weight")),
}  # fmt: skip
FILES = {
    "shapes/__init__.py": "",
    "shapes/model.py": MODEL,
    "config.yaml": "model:\n  width: 4\n  num_classes: 2\n",
    "hubkit.toml": '[entrypoints.net]\ninput = "f32[B,3]"\n',
    "LICENSE": "Permission is hereby granted, free of charge\n",
    ".gitignore": "__pycache__/\nconformance.json\n",
}


def write_checkpoint(repo: HubRepo) -> None:
    import torch

    scope: dict[str, Any] = {}
    exec(MODEL, scope)
    (repo.root / "checkpoints").mkdir()
    torch.save(scope["Net"]().state_dict(), repo.root / SAVED)


@pytest.mark.parametrize("kind", REPOS)
def test_it_fails_by_default_and_is_not_released(kind: str, repo: HubRepo) -> None:
    parameter, load, reason = REPOS[kind]
    name = parameter.partition(":")[0]
    text = HUBCONF.format(parameter=parameter, name=name, load=load)
    repo.write({**FILES, "hubconf.py": text})
    write_checkpoint(repo)
    repo.commit()

    # From the folder in which the author's call works.
    report = "conformance.json"
    result = repo.run_here("--hubconf", "-v", f"--hubconf-report={report}")
    failed = [one for one, outcome in outcomes(result).items() if outcome == "FAILED"]
    assert "net::C305" in failed
    assert result.ret == 1
    shown = result.stdout.str()
    assert reason in shown
    if "body.weight" in reason:  # 11 lines of error, in the message and in the traceback
        assert shown.count("size mismatch for more.") == 2 * 3
        assert "\n    E   ... 6 more lines\n" in shown

    if kind == INITIAL:  # the same suite; each run takes seconds
        done = run_python("-m", "hubkit", "conform", "--report", report, cwd=repo.root)
        assert done.returncode == 1
        assert reason in done.stdout

    release = ["release", str(repo.root), "--tag", "v1", "--repo", "acme/shapes"]
    released = CliRunner().invoke(main, [*release, "--report", str(repo.root / report)])
    assert released.exit_code == 1
    (line,) = [one for one in released.output.splitlines() if "  weights: net(" in one]
    assert line.startswith("missing  weights: net(pretrained=True) was tried and fails")
    assert reason in line
    assert "No tag was created." in released.output
