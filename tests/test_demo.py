"""The demo does what it says: each of its steps insists on its own exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.torch
@pytest.mark.slow
def test_the_demo_runs_to_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("All checks passed.", "hubkit.load, warm:", "HUB105", "C102", "What to do next"):
        assert shown in done.stdout
