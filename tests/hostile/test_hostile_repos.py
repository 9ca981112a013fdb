"""Whatever a repo holds, hubkit answers: soon, in bounded memory, and never with a traceback.

Each group of repos is read by one child process, which is killed when it takes far too long.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.hostile.child import COMMANDS
from tests.hostile.repos import GROUPS, SPECIAL

if TYPE_CHECKING:
    from pathlib import Path

FAR_TOO_LONG = 400  # seconds, for what takes a few on a machine with nothing else to do


def answers(repos: list[Path]) -> list[tuple[str, str, str]]:
    """Repo, command and exit code of every command that the child ran."""
    command = [sys.executable, "-m", "tests.hostile.child", *map(str, repos)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=FAR_TOO_LONG, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stdout, done.stdout[-4000:]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(os.path.basename(repo), command, code) for repo, command, code in rows]  # noqa: PTH119


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_hostile_repos_get_an_answer(tmp_path: Path, group: str) -> None:
    repos = []
    for name, files in GROUPS[group].items():
        repos.append(tmp_path / name.replace(" ", "-"))
        for path, content in files.items():
            file = repos[-1] / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = answers(repos)
    assert len(found) == len(COMMANDS) * len(repos)
    assert {code for _, _, code in found} <= {"0", "1", "2"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    repos = []
    for name, make in SPECIAL.items():
        repos.append(tmp_path / name.replace(" ", "-"))
        repos[-1].mkdir()
        make(repos[-1])
    found = answers(repos)
    assert len(found) == len(COMMANDS) * len(repos)
    assert {code for _, _, code in found} <= {"0", "1", "2"}
    assert ("hubconf-is-a-pipe", "list", "1") in found or (
        "hubconf-is-a-pipe",
        "list",
        "2",
    ) in found


def test_only_files_in_reach_are_opened(tmp_path: Path) -> None:
    files = {
        "hubconf.py": "dependencies = []\nfrom near import net\n",
        "near.py": "import nearer.part\ndef net():\n    'A net.'\n",
        "nearer/__init__.py": "",
        "nearer/part.py": "",
        "nearer/other.py": "",
        "far/__init__.py": "",
        "far/away.py": "",
        "setup.py": "",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)
    watch = (
        "import sys\n"
        "from hubkit.cli import main\n"
        "sys.addaudithook(lambda event, given: event == 'open' and print(given[0], file=sys.stderr))\n"
        "main(['check', sys.argv[1], '--no-git'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, str(tmp_path)], capture_output=True, text=True, check=False
    )
    opened = {line.removeprefix(f"{tmp_path}/") for line in done.stderr.splitlines()}
    sources = {path for path in files if path in opened}
    assert sources == {"hubconf.py", "near.py", "nearer/__init__.py", "nearer/part.py"}, done.stdout
