"""What is said while a check takes long. None of this needs torch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.torch  # pytest's children look for it

HUBCONF = """
import sys as _sys


def fine():
    \"\"\"Returns at once.\"\"\"


def slow():
    \"\"\"Waits for the test.\"\"\"
    if {where} "pytest" in _sys.modules:
        open({fifo!r}).read()
"""
CONFIG = """
[entrypoints.fine]
kind = "utility"
[entrypoints.slow]
kind = "utility"
"""
SELECT = ("--hubconf", "--hubconf-select=C101,C104,C106", "-p", "no:cacheprovider", "-q")


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
@pytest.mark.parametrize(
    ("where", "said"),
    [("", "slow: C106-loads-untrained-offline ("), ("not", "slow in a fresh process (")],
)
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "lines"])
def test_what_runs_and_what_is_left_is_said_while_nothing_else_is(
    repo: HubRepo, tmp_path: Path, where: str, said: str, is_terminal: bool
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    repo.write({"hubconf.py": HUBCONF.format(where=where, fifo=str(fifo)), "hubkit.toml": CONFIG})
    ours, theirs = os.openpty() if is_terminal else os.pipe()
    options = SELECT if is_terminal else (*SELECT, "--hubconf-progress")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options],
        cwd=repo.root, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        os.close(theirs)
        seen = ""
        wanted = 1 if is_terminal else 2
        while seen.count(said) < wanted or " left" not in seen.rpartition(said)[2]:
            seen += os.read(ours, 1 << 16).decode()
        with fifo.open("w"):
            pass
        rest = "".join(iter(lambda: _read(ours), ""))
    os.close(ours)
    assert not re.search(r" left.*\n\n", seen)
    # On a terminal it is erased again.
    assert ("\b " in rest) is is_terminal
    assert ("\b \b" in rest.replace("\b" * 2, "\b").replace("  ", " ")) <= is_terminal
    assert "(the repo)" in rest


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 1 << 16).decode()
    except OSError:  # the other end of a terminal is closed
        return ""
