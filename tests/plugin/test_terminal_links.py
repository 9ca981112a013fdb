"""In terminals that show links, failures link to the pages of their checks and rules."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

SITE = "https://docs.example.org/hubkit"
HUBCONF = "dependencies = []\n\n\ndef net():\n    return 1\n"
ARGUMENTS = ("-m", "pytest", "--hubconf", "--hubconf-select=C104", "-p", "no:cacheprovider")


@pytest.mark.torch
@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_failures_link_to_their_pages(repo: HubRepo) -> None:
    repo.write({"hubconf.py": HUBCONF, "LICENSE": ""})
    repo.write({"hubkit.toml": '[entrypoints.net]\nkind = "utility"\n'})
    variables = {"HUBKIT_DOCS_URL": SITE, "TERM": "xterm-kitty", "HUBKIT_NO_PROGRESS": "1"}
    env = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "CI")}
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, *ARGUMENTS, "--junitxml=out.xml"],
        cwd=repo.root,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**env, **variables},
    ):
        os.close(theirs)
        shown = "".join(iter(lambda: _read(ours), ""))
    os.close(ours)
    for folder, code in (("checks", "C104"), ("rules", "HUB301")):
        assert f"\x1b]8;;{SITE}/{folder}/{code}.html\x1b\\{code}\x1b]8;;\x1b\\" in shown
    # Files have none.
    assert SITE not in (repo.root / "out.xml").read_text("utf-8")


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 1 << 16).decode()
    except OSError:  # the other end of a terminal is closed
        return ""
