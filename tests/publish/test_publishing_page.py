"""The commands of docs/publishing.md run in order, and print what the page shows."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.doc_pages import DOCS, expected, read_commands, run
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

PAGE = DOCS / "publishing.md"
FILES: dict[str, str | bytes] = {
    "hubconf.py": '''\
"""PyTorch Hub entrypoints."""

import torch as _torch

dependencies = ["torch"]


def unet(width: int = 4) -> _torch.nn.Module:
    """A small network.

    Args:
        width: How wide it is.
    """
    return _torch.nn.Linear(3, width)
''',
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge\n"
    "The above copyright notice\n",
    "CHANGELOG.md": "# Changelog\n",
    "CITATION.cff": "cff-version: 1.2.0\ntitle: unet\nversion: 1.0.0\n",
    "pyproject.toml": '[project]\nname = "unet"\nversion = "1.0.0"\n\n'
    '[tool.hubkit.entrypoints.unet]\ninput = "f32[B,3]"\n',
    ".gitignore": "/runs/\n__pycache__/\n",
}


@pytest.mark.torch
@pytest.mark.slow
def test_every_command_prints_what_the_page_shows(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    folder = tmp_path / "unet"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    commit_files(folder, FILES)
    git("config", "user.name", "Ada", cwd=folder)
    git("config", "user.email", "ada@example.org", cwd=folder)
    git("remote", "add", "origin", "https://github.com/acme/unet.git", cwd=folder)
    monkeypatch.chdir(folder)
    (folder / "runs").mkdir()
    state = torch.nn.Linear(3, 4).state_dict()
    torch.save({"state_dict": state, "epoch": 3, "optimizer": {}}, "runs/best.ckpt")
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    commands = read_commands("".join(blocks))
    assert len(commands) == 11
    for command, lines in commands:
        if command.startswith("hubkit release") and "--dry-run" not in command:
            # What the page asks for before this step.
            commit_files(folder, {"CHANGELOG.md": "# Changelog\n\n## 1.0.0\n\n- First.\n"})
        if "--published" in command:
            git_host.add_repo("acme", "unet", folder)
        shown = run(command).replace(git_host.url, "https://github.com")
        if lines:
            assert re.fullmatch(expected(lines), shown), f"$ {command}\n{shown}"
