"""What a dead worker leaves to others, and what a busy one does not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.crashes import Crashes
from tests.plugin.conftest import outcomes
from tests.plugin.hub_repos import HEALTHY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
FIND = "import sys, pathlib; from pytest_hubkit.crashes import Crashes; print(repr(Crashes(pathlib.Path(sys.argv[1])).find('net[a b]')))"
DIE = """
import os, pathlib, sys
from pytest_hubkit.crashes import Crashes
with Crashes(pathlib.Path(sys.argv[1])).watch("net[a b]", "C106"):
    os._exit(1)
"""


def run(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout.strip()


def test_a_dead_process_is_recognized_and_a_running_one_is_not(tmp_path: Path) -> None:
    crashes = Crashes(tmp_path / "notes")
    with crashes.watch("net[a b]", "C204"):
        assert run(FIND, tmp_path / "notes") == "''"
        assert crashes.find("net[a b]") == ""
    assert run(FIND, tmp_path / "notes") == "''"
    assert not list((tmp_path / "notes").iterdir())
    run(DIE, tmp_path / "notes")
    assert run(FIND, tmp_path / "notes") == "'C106'"
    assert crashes.find("net") == ""


@pytest.mark.slow
@pytest.mark.torch
def test_workers_that_share_an_entrypoint_do_not_take_one_another_for_dead(repo: HubRepo) -> None:
    repo.write(HEALTHY)
    select = ("--hubconf", "--hubconf-level=2", "-n", "2", "--dist", "load", "-v", "-rs")
    result = repo.run(*select, "-p", "no:cacheprovider", "--deselect", "hubconf.py::check")
    assert "crashed a process" not in result.stdout.str()
    assert "FAILED" not in outcomes(result).values()
