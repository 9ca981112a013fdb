"""The Python in a card is run by the conformance suite, and a release asks for that."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.publish.conftest import hubkit, missing
from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '''\
import torch as _torch

dependencies = ["torch"]


def net(width: int = 2, pretrained: bool = False):
    """A linear layer.

    Args:
        width: How wide it is.
        pretrained: Load the trained weights.
    """
    model = _torch.nn.Linear(width, 1)
    if pretrained:
        url = "https://github.com/acme/nets/releases/download/v1.0/NAME"
        model.load_state_dict(_torch.hub.load_state_dict_from_url(url))
    return model


def other():
    """Another one."""
    return _torch.nn.Linear(3, 1)
'''
MINE = """
## More

```python
import torch

torch.hub.load("acme/nets", "other")(torch.rand(1, 4))
```
"""


@pytest.mark.slow
@pytest.mark.torch
def test_generated_examples_run_and_failing_ones_block_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder, report = tmp_path / "nets", tmp_path / "nets" / "conformance.json"
    import torch

    settings = '[ignore]\nHUB5 = "x"\n[entrypoints.net]\ninput = "f32[B,2] in [0,1]"\n'
    (folder / "dist").mkdir(parents=True)
    torch.save(torch.nn.Linear(2, 1).state_dict(), folder / "dist" / "net.pth")
    digest = hashlib.sha256((folder / "dist" / "net.pth").read_bytes()).hexdigest()
    weights = (folder / "dist" / "net.pth").rename(folder / "dist" / f"net-{digest[:8]}.pth")
    files = {"hubconf.py": SOURCE.replace("NAME", weights.name), "hubkit.toml": settings}
    commit_files(folder, {**files, "LICENSE": "Mine.", ".gitignore": "/dist/\n"})
    assert hubkit("card", folder, "--repo", "acme/nets").exit_code == 0
    card = folder / "MODEL_CARD.md"
    assert '"net", pretrained=True)' in card.read_text()
    assert "inputs = torch.rand(1, 2)" in card.read_text()
    commit_files(folder, {"MODEL_CARD.md": card.read_text() + MINE})
    release = ("release", folder, "--dry-run", "--tag", "v1.0", "--level", "1")

    from hubkit.conformance import read_report

    command = ("-m", "hubkit", "conform", str(folder), "--select=C1,C201,C215,C305")
    # Neither an earlier report nor the bytecode that Python writes is a change of the repo.
    report.write_text("{}")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    ran = run_python(*command, f"--report={report}", warm_children=True)
    assert ran.returncode == 0, ran.stdout
    outcomes = {
        case.entrypoint: check.outcome
        for case in read_report(report).cases
        for check in case.checks
        if check.code == "C215"
    }
    assert outcomes == {"net": "passed", "other": "unsupported"}
    assert read_report(report).uncommitted == 0
    found = missing(hubkit(*release, "--report", report))
    assert set(found) == {"examples"}
    assert "of MODEL_CARD.md fails with RuntimeError" in found["examples"]
