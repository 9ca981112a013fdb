"""Which modules `hubkit check` enters, and what it does only once, by tracing calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.trips import PROFILE

if TYPE_CHECKING:
    from pathlib import Path

TRACE = f"""{PROFILE}
import collections, json
steps = collections.Counter()

def count(frame, event, argument):
    profile(frame, event, argument)
    if event == "call" and frame.f_globals.get("__name__", "").startswith("hubkit."):
        steps[frame.f_code.co_name] += 1

from hubkit.cli import main
sys.setprofile(count)
try:
    main(["check", "--no-cache", sys.argv[1]])
finally:
    sys.setprofile(None)
    print(json.dumps([sorted(entered), steps]), file=sys.stderr)
"""
HUBCONF = '''dependencies = ["torch"]


def net():
    """A layer."""
    import torch

    return torch.nn.Linear(1, 1)
'''
# A new topic of facts or rules may raise it; a module that only exists beside another one may not.
MODULES = 63
# Each reads or judges the whole repo.
ONCE = ("open_target", "open_files", "read_config", "read_repo", "lint_repo")


def test_the_trip_of_a_check(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "--all"], check=True)
    command = [sys.executable, "-c", TRACE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode < 2, done.stderr
    entered, steps = json.loads(done.stderr.splitlines()[-1])
    assert len(entered) <= MODULES, "\n".join(entered)
    assert {name: steps.get(name) for name in ONCE} == dict.fromkeys(ONCE, 1)
