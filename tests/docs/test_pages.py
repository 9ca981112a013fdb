"""The commands of pages run as they are printed there, and print what the page shows.

A block of code that starts with ``# NAME`` is a file of the reader. Console blocks below
``<!-- run -->`` are run in order.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.git_host import git
from tests.pages import DOCS, expected, read_commands, run

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = re.compile(
    r"```\w+\n(?P<content># (?P<name>[\w./-]+)\n.*?)```|<!-- run -->\n```console\n(?P<run>.*?)```",
    re.DOTALL,
)
PAGES = sorted(path.name for path in DOCS.glob("*.md") if "<!-- run -->" in path.read_text("utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_every_command_prints_what_the_page_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "LICENSE").write_text("Copyright Ada. All rights reserved.\n", "utf-8")
    git("init", "-q", "-b", "main", cwd=folder)
    monkeypatch.chdir(folder)
    for block in BLOCK.finditer((DOCS / name).read_text("utf-8")):
        if block["name"]:
            (folder / block["name"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / block["name"]).write_text(block["content"], "utf-8")
        for command, lines in read_commands(block["run"] or ""):
            shown = run(command)
            assert re.fullmatch(expected(lines), shown), f"$ {command}\n{shown}"
