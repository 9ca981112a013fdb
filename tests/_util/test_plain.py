"""Forks of this process that are as plain as a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit._util.forks import Nursery
from hubkit._util.plain import Fresh, can_forget, find_traces, look_at_fresh
from hubkit._util.process import child_environment
from tests._util.process_state import ROOT, SLOW

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Fresh((), frozenset())


@pytest.mark.skipif(not Nursery.is_possible(), reason="processes are not forked here")
def test_a_fork_of_this_process_is_as_plain_as_one_of_a_fresh_process(tmp_path: Path) -> None:
    code = f"from tests._util.process_state import compare; compare({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "not flushed"
    fresh, shared = json.loads((tmp_path / "states.json").read_text())
    modules = set(shared.pop("modules"))
    assert SLOW in modules
    assert modules <= set(fresh.pop("modules"))
    assert shared == fresh
    assert shared["output"] == "printed\n"


def test_what_an_interpreter_has_at_its_start() -> None:
    fresh = look_at_fresh(child_environment({"PYTHONPATH": "/no/such/folder"}))
    assert "sys" in fresh.modules
    assert "pytest" not in fresh.modules
    assert fresh.path[0] == "/no/such/folder"


def test_modules_that_are_no_part_of_an_interpreter_are_traces() -> None:
    traces = find_traces(NOTHING, ("hubkit", "msgspec"))
    assert {"pytest", "_pytest.config", __name__} <= traces
    assert not {"json", "hubkit._util.plain", "msgspec._core", "__main__"} & traces


def test_a_compiled_module_cannot_be_forgotten() -> None:
    assert "msgspec._core" in find_traces(NOTHING, ())
    assert not can_forget(["msgspec._core"])
    assert can_forget(["msgspec.json"])


def test_a_process_that_is_watched_is_not_forked() -> None:
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        can = can_forget([])
    finally:
        sys.settrace(before)
    assert not can
