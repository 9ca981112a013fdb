"""Real runs of ``pytest --hubconf`` on repos with torch models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit._util.forks import Nursery
from pytest_hubkit.checks import all_checks
from tests.plugin.conftest import outcomes
from tests.plugin.hub_repos import HEALTHY, add_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]


# Tells of each process that imports torch.
COUNTER = """
import os, sys


class Counter:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            with open(os.environ["TORCH_IMPORTS"], "a") as file:
                file.write(f"{os.getpid()}\\n")


sys.meta_path.insert(0, Counter())
"""


@pytest.mark.slow
def test_a_healthy_repo_passes_everything(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What running pytest leaves in the folder is no change of the repo's.
    repo.write({**HEALTHY, ".gitignore": "__pycache__\nrunpytest\ndist\n"})
    add_weights(repo.root)
    repo.commit()
    counter = tmp_path / "counter"
    counter.mkdir()
    (counter / "sitecustomize.py").write_text(COUNTER)
    monkeypatch.setenv("PYTHONPATH", str(counter))
    monkeypatch.setenv("TORCH_IMPORTS", str(counter / "imports"))
    result = repo.run("--hubconf", "-v", "-p", "no:cacheprovider", warm=False)
    result.stdout.fnmatch_lines(["hubconf: hubconf.py, network: deny", "tests/test_own.py*PASSED*"])
    said = outcomes(result)
    # What needs weights, or something that is not declared, has nothing to judge.
    idle = {"C202", "C215", "C308", "C309", "C310"}
    without_weights = {f"wide::{code}" for code in ("C305", "C306", "C307", "C316")}
    codes = [one.code for one in all_checks() if one.scope == "case" and not one.slow]
    of_the_repo = [one.code for one in all_checks() if one.scope == "repo"]
    cases = [f"{name}::{code}" for name in ("small", "wide") for code in codes]
    assert list(said) == ["check", *of_the_repo, *cases]
    skipped = {name for name, outcome in said.items() if outcome == "SKIPPED"}
    assert {name[-4:] for name in skipped - without_weights} == idle
    assert skipped >= without_weights
    assert set(said.values()) == {"PASSED", "SKIPPED"}
    result.stdout.fnmatch_lines(
        [
            "entrypoint  L1  L2  L3  features  parameters  forward *memory",
            "small       ok  ok  ok  6 of 6            38 *s *B",
        ]
    )
    assert result.ret == 0
    # All children are forks of pytest's own process.
    processes = 1 if Nursery.is_possible() else 4
    assert len(set((counter / "imports").read_text().split())) == processes
