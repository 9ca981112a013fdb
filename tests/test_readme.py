"""The README's story, run as a reader would type it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo import environment
from tests.git_host import GitHost

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
STORY = re.compile(r"<!-- story -->\n```(console|python)\n(.*?)```", re.DOTALL)


class Reader:
    """Somebody who follows the README: types its commands, keeps its folder, runs its Python."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables

    def follow(self, language: str, block: str) -> None:
        if language == "python":
            self.run([sys.executable, "-c", block])
            return
        for line in block.splitlines():
            command = line.removeprefix("$ ")
            if command.startswith("cd "):
                self.folder /= command.removeprefix("cd ")
            else:
                self.run(["bash", "-c", command])

    def run(self, command: list[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.torch
@pytest.mark.slow
def test_the_five_jobs_go_as_the_readme_says(tmp_path: Path) -> None:
    blocks = STORY.findall(README)
    assert [language for language, _ in blocks] == ["console"] * 4 + ["python"]
    with GitHost() as host:
        publisher = Reader(tmp_path, environment(tmp_path / "torch-home", host.url))
        for language, block in blocks[:4]:
            publisher.follow(language, block)
        host.add_repo("acme", "shapes", publisher.folder)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        Reader(elsewhere, publisher.variables).follow(*blocks[4])


def test_commands_shown_are_commands_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text("utf-8")
    targets = re.findall(r"^\$ make (\w+)$", README, re.MULTILINE)
    assert targets == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)
