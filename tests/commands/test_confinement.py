"""``hubkit check`` opens what the hubconf reaches and looks into no folder above, however full."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.git_host import commit_files

WATCH = """
import json, os, sys
seen = {"open": set(), "os.listdir": set(), "os.scandir": set()}
def note(event, arguments):
    if event in seen and isinstance(arguments[0], (str, bytes, os.PathLike)):
        seen[event].add(os.path.abspath(os.fsdecode(arguments[0])))
sys.addaudithook(note)
from hubkit.cli import main
try:
    main()
except SystemExit:
    pass
print(json.dumps({event: sorted(paths) for event, paths in seen.items()}))
"""
FILES = {
    "hubconf.py": "dependencies = ['torch']\nfrom net.parts import build as _build\n\n\n"
    "def net(pretrained=False):\n    '''A net.'''\n    return _build()\n",
    "net/__init__.py": "",
    "net/parts.py": "import torch\n\n\ndef build():\n    return torch.nn.Linear(1, 1)\n",
    "net/training.py": "import wandb\n",
    "tools/train.py": "import net.training\n",
    "README.md": "# Nets\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo in a folder that holds thousands of other things, with many files out of reach."""
    folder = tmp_path / "home" / "repo"
    files = {f"data/{number % 30}/{number}.py": "import nothing\n" for number in range(300)}
    commit_files(folder, {**FILES, **files})
    for number in range(3000):
        (folder.parent / f"{number}.py").touch()
    return folder


def watch(repo: Path, *options: str) -> dict[str, set[str]]:
    """The paths in the test's own folder that a check opens and lists, from the folder's start."""
    command = [sys.executable, "-c", WATCH, "check", ".", "--no-cache", *options]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True)
    top = repo.parents[1].resolve()
    return {
        event: {
            path.relative_to(top).as_posix()
            for path in map(Path, paths)
            if path.is_relative_to(top) and ".git" not in path.parts
        }
        for event, paths in json.loads(done.stdout.splitlines()[-1]).items()
    }


@pytest.mark.parametrize("options", [(), ("--no-git",)])
def test_files_outside_of_the_repo_are_not_opened(repo: Path, options: tuple[str, ...]) -> None:
    seen = watch(repo, *options)
    reach = {"hubconf.py", "net/__init__.py", "net/parts.py", "README.md"}
    assert seen["open"] == {f"home/repo/{name}" for name in reach}
    listed = seen["os.listdir"] | seen["os.scandir"]
    assert all(path.startswith("home/repo") for path in listed)
    if not options:  # outside git nothing but the folders tells which documents there are
        assert len(listed) < 40
